-- Pacing: several trunks for a campaign, accounts, learned rates, breakers, fair shares.  Only adds: what the version
-- before writes is read as it was meant (one trunk for a campaign, no account, an equal share).

-- A carrier's account: limits that all its trunks share.
CREATE TABLE accounts (
    id                    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                  text NOT NULL,
    calls_per_second      double precision CHECK (calls_per_second > 0),  -- NULL: no limit of its own
    max_concurrent_calls  integer CHECK (max_concurrent_calls > 0),       -- NULL: no limit of its own
    created_at            timestamptz NOT NULL DEFAULT now(),
    removed_at            timestamptz
);
CREATE UNIQUE INDEX accounts_name ON accounts (name) WHERE removed_at IS NULL;

ALTER TABLE trunks
    ALTER livekit_trunk_id DROP NOT NULL,                         -- NULL: it is sent with each call, by its hostname
    ADD account_id           integer REFERENCES accounts,
    ADD carrier              text NOT NULL DEFAULT 'generic',      -- domain.carrier knows what its limits are
    ADD invites_per_call     smallint NOT NULL DEFAULT 1 CHECK (invites_per_call BETWEEN 1 AND 2),
    ADD safety_factor        double precision NOT NULL DEFAULT 1 CHECK (safety_factor > 0 AND safety_factor <= 1),
    ADD reserved_channels    integer NOT NULL DEFAULT 0 CHECK (reserved_channels >= 0),  -- never dialed on: people call in
    ADD callback_channels    integer NOT NULL DEFAULT 0 CHECK (callback_channels >= 0),  -- for promised calls back only
    ADD serves               text[] NOT NULL DEFAULT '{}',         -- what numbers begin with; {}: any number
    ADD ramp_seconds         double precision NOT NULL DEFAULT 10 CHECK (ramp_seconds BETWEEN 0 AND 60),
    ADD ramp_at_start        boolean NOT NULL DEFAULT false,       -- also when it was idle, not only after an outage
    ADD hostname             text,
    ADD transport            text NOT NULL DEFAULT 'auto',
    ADD auth_username        text,
    ADD auth_password        text,                                 -- never printed, never logged
    ADD destination_country  text,
    ADD CONSTRAINT trunks_one_way CHECK ((livekit_trunk_id IS NULL) <> (hostname IS NULL)),
    ADD CONSTRAINT trunks_reserve CHECK (reserved_channels + callback_channels < max_concurrent_calls);
CREATE UNIQUE INDEX trunks_inline ON trunks (lower(hostname), coalesce(auth_username, ''))
    WHERE removed_at IS NULL AND hostname IS NOT NULL;

ALTER TABLE campaigns
    ADD weight                integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),  -- of its share of a trunk
    ADD max_concurrent_calls  integer CHECK (max_concurrent_calls > 0),                      -- over all its trunks
    ADD retries_first         boolean NOT NULL DEFAULT true,    -- before people who were never tried
    ADD trunk_choice          text NOT NULL DEFAULT 'ordered',  -- or weighted
    ADD prefixes              text[] NOT NULL DEFAULT '{}';     -- all that its routes tell apart: see call_jobs.route

-- The trunks of a campaign, where it has more than the one in campaigns.trunk_id, or routes.
CREATE TABLE campaign_trunks (
    campaign_id  integer NOT NULL REFERENCES campaigns,
    trunk_id     integer NOT NULL REFERENCES trunks,
    prefix       text NOT NULL DEFAULT '',   -- of the numbers this is the way of; '': all that no longer prefix fits
    place        integer NOT NULL DEFAULT 0,
    weight       integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    PRIMARY KEY (campaign_id, prefix, trunk_id)
);

-- Which trunks a campaign may take for which numbers, in order.
CREATE VIEW routes AS
    SELECT campaign_id, prefix, trunk_id, place, weight FROM campaign_trunks
    UNION ALL
    SELECT c.id, '', c.trunk_id, 0, 1 FROM campaigns c
    WHERE c.trunk_id IS NOT NULL AND NOT EXISTS (SELECT FROM campaign_trunks t WHERE t.campaign_id = c.id);

-- The longest of the prefixes that a number begins with; '' when it is none of them.
CREATE FUNCTION route_of(callee text, prefixes text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((SELECT p FROM unnest(prefixes) AS p WHERE starts_with(callee, p) ORDER BY length(p) DESC LIMIT 1), '')
$$;

-- Whether a campaign may reach a number through a trunk that is not this one, and that is neither removed nor failing.
CREATE FUNCTION has_other_trunk(campaign integer, callee text, trunk integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM routes r JOIN trunks t ON t.id = r.trunk_id
        WHERE r.campaign_id = campaign AND r.trunk_id <> trunk AND t.removed_at IS NULL AND starts_with(callee, r.prefix)
          AND (t.serves = '{}' OR route_of(callee, t.serves) <> '')
          AND NOT EXISTS (SELECT FROM health h WHERE h.state <> 'closed'
                            AND (h.scope, h.scope_id) IN (('trunk', t.id), ('account', t.account_id))));
END $$;

ALTER TABLE call_jobs
    ADD route       text NOT NULL DEFAULT '',        -- route_of(number, campaigns.prefixes)
    ADD tried       boolean NOT NULL DEFAULT false,  -- an attempt was begun: a retry, not a new contact
    ADD trunk_id    integer,                         -- while QUEUED: the trunk it was released for
    ADD not_trunks  integer[] NOT NULL DEFAULT '{}', -- not these: they failed before the phone rang, in this very try
    ADD try_id      uuid;                            -- of the try that goes on through another trunk
UPDATE call_jobs j SET tried = true
    WHERE state <> 'finished' AND EXISTS (SELECT FROM attempts a WHERE a.call_job_id = j.id);
-- Its condition is written so that no other index of whoever waits will do for it: before the table is analyzed all look
-- alike, and one that also has retries or other classes of numbers is read from end to end.
CREATE INDEX call_jobs_turns ON call_jobs (campaign_id, route, tried, due_at, id)
    WHERE state || '' = 'waiting' AND NOT promised;

ALTER TABLE attempts
    ADD try_id         uuid,                            -- of the first attempt of this try; NULL: itself
    ADD is_probe       boolean NOT NULL DEFAULT false,  -- tried whether its trunk is well again
    ADD given_back_at  timestamptz,                     -- it says nothing about the contact: the trunk was to blame
    ADD given_back_for text;                            -- why: the rule of the storm or of the dead trunk

-- What was learned about a trunk, an account or the LiveKit project.
CREATE TABLE health (
    scope            text NOT NULL,                     -- trunk, account, livekit
    scope_id         integer NOT NULL,                  -- 0 for livekit
    state            text NOT NULL DEFAULT 'closed',    -- of the breaker: closed, open, half_open, held
    reason           text NOT NULL DEFAULT '',
    rule             text NOT NULL DEFAULT '',
    since            timestamptz NOT NULL DEFAULT now(),
    openings         integer NOT NULL DEFAULT 0,        -- in a row: the rest between two probes grows with them
    opened_at        timestamptz,                       -- when it last left closed
    probe_at         timestamptz,                       -- the next probe, or when the one under way counts as lost
    probe_release    uuid,                              -- the release of the probe under way
    closed_at        timestamptz,                       -- the ramp begins here
    rate_ceiling     double precision,                  -- calls (or requests) per second at which it became too much
    rate             double precision,                  -- after the last cut
    rate_cut_at      timestamptz,
    rate_reason      text,
    channels_ceiling integer,
    channels         integer,
    channels_cut_at  timestamptz,
    channels_reason  text,
    version          bigint NOT NULL DEFAULT 0,         -- of the row: who judged by an older one judges again
    PRIMARY KEY (scope, scope_id)
);

-- What holds each trunk back, as the feeder sees it.
CREATE TABLE trunk_holds (
    trunk_id  integer PRIMARY KEY REFERENCES trunks,
    reason    text NOT NULL,
    detail    text NOT NULL DEFAULT '',
    since     timestamptz NOT NULL DEFAULT now(),
    seen_at   timestamptz NOT NULL DEFAULT now()
);

-- Deficit round robin: where each campaign stands on each trunk.  Who is not here had no work the last time.
CREATE TABLE release_turns (
    trunk_id     integer NOT NULL,
    campaign_id  integer NOT NULL,
    deficit      double precision NOT NULL,   -- call jobs that it still has to get
    visits       bigint NOT NULL,
    PRIMARY KEY (trunk_id, campaign_id)
);

ALTER TABLE line_status
    ADD requests_per_minute  double precision CHECK (requests_per_minute > 0);  -- LiveKit's quota; NULL: none
