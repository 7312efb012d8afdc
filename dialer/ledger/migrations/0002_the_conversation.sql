-- The conversation: agents, news from LiveKit, calling hours, suppressions.  Only adds: processes of the version before
-- go on working, and what they do not know of is refused to them by ``claim_refusal``.

ALTER TABLE campaigns
    ADD agent_name          text,
    ADD agent_left_seconds  integer NOT NULL DEFAULT 5,      -- hang up so long after the agent has left the person alone
    ADD agents_missed       text[]  NOT NULL DEFAULT '{}',   -- numbers in a row for which no agent came
    ADD dial_options        jsonb   NOT NULL DEFAULT '{}',   -- of CreateSIPParticipant; domain.dial_options reads it
    ADD reads_columns       boolean NOT NULL DEFAULT false,  -- a contact file had columns that change the dial
    ADD start_at            timestamptz,
    ADD end_at              timestamptz,
    ADD time_zone           text,                            -- of contacts whose own zone is not known
    ADD calling_hours       jsonb   NOT NULL DEFAULT '{}';   -- domain.calling_window reads it; {}: any time

ALTER TABLE imports
    ADD suppressed  integer NOT NULL DEFAULT 0,  -- of the contacts: finished at once as suppressed
    ADD never_open  integer NOT NULL DEFAULT 0;  -- of the contacts: finished at once as expired, their hours never open

ALTER TABLE call_jobs
    ADD zones        text NOT NULL DEFAULT '',         -- where the contact may live, joined by commas; '': the campaign's
    ADD not_before   timestamptz,                      -- due then, were it not for the hours
    ADD open_until   timestamptz,                      -- no POST after this: the window of due_at closes; NULL: never
    ADD promised     boolean NOT NULL DEFAULT false;   -- a call back that was promised: first in its turn
CREATE INDEX call_jobs_promised ON call_jobs (campaign_id, due_at) WHERE state = 'waiting' AND promised;
-- Whose window has closed: asked for several times a second, also while a million others are due and open.
CREATE INDEX call_jobs_closing ON call_jobs (campaign_id, open_until) WHERE state = 'waiting' AND open_until IS NOT NULL;

ALTER TABLE attempts
    ADD has_agent     boolean NOT NULL DEFAULT false,  -- its campaign gave it an agent
    ADD agent_at      timestamptz,                     -- an agent was last seen beside the callee
    ADD alone_since   timestamptz,                     -- the callee has been alone in the room since then
    ADD marked_at     timestamptz,                     -- when ``mark`` was set
    ADD report        jsonb NOT NULL DEFAULT '{}',     -- what the agent reported, as it came
    ADD end_reason    text,                            -- LiveKit's DisconnectReason of the callee
    ADD ended_by      text;                            -- who hung up, as far as it can be known

-- Numbers that are never called.  One that was taken away keeps its row: who was suppressed when can be shown.
CREATE TABLE suppressions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pattern      text NOT NULL,                        -- +digits: a number, or what numbers begin with
    is_prefix    boolean NOT NULL DEFAULT false,
    campaign_id  integer REFERENCES campaigns,         -- NULL: for all campaigns
    reason       text NOT NULL DEFAULT '',
    source       text NOT NULL,                        -- operator, file, agent, line
    attempt_id   uuid,                                 -- in which it was asked for
    created_at   timestamptz NOT NULL DEFAULT now(),
    ends_at      timestamptz,
    removed_at   timestamptz
);
CREATE UNIQUE INDEX suppressions_standing ON suppressions (pattern, is_prefix, coalesce(campaign_id, 0))
    WHERE removed_at IS NULL;

-- News from LiveKit: the row first, then the work.
CREATE TABLE events (
    id           text PRIMARY KEY,                     -- LiveKit's EV_...: a second delivery finds it taken
    event        text NOT NULL,
    room         text NOT NULL,
    attempt_id   uuid,
    kind         text,                                 -- of the participant: SIP, AGENT, ...
    identity     text,
    reason       text,                                 -- DisconnectReason
    call_status  text,                                 -- the participant's sip.callStatus
    created_at   timestamptz NOT NULL,                 -- by LiveKit's clock, whole seconds
    received_at  timestamptz NOT NULL DEFAULT now(),
    handled_at   timestamptz,
    body         jsonb NOT NULL
);
CREATE INDEX events_of_attempt ON events (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX events_unhandled ON events (received_at) WHERE handled_at IS NULL;

-- What became of the requests to the webhook address, by what they were.
CREATE TABLE event_counters (
    kind   text PRIMARY KEY,
    value  bigint NOT NULL
);

ALTER TABLE line_status
    ADD webhook_at timestamptz;                        -- a valid webhook last came in

-- Whether a number must not be called for a campaign.
CREATE FUNCTION is_suppressed(callee text, campaign integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM suppressions s
        WHERE s.pattern = callee AND NOT s.is_prefix AND s.removed_at IS NULL
          AND (s.campaign_id IS NULL OR s.campaign_id = campaign) AND (s.ends_at IS NULL OR s.ends_at > now())
    ) OR EXISTS (
        SELECT FROM suppressions s
        WHERE s.is_prefix AND s.removed_at IS NULL
          AND s.pattern = ANY (ARRAY(SELECT left(callee, n) FROM generate_series(2, length(callee)) AS n))
          AND (s.campaign_id IS NULL OR s.campaign_id = campaign) AND (s.ends_at IS NULL OR s.ends_at > now())
    );
END $$;

CREATE OR REPLACE FUNCTION claim_refusal(job call_jobs, campaign campaigns, lease uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN job.state <> 'queued' OR job.lease_token IS DISTINCT FROM lease OR job.lease_until <= now()
            THEN 'not_mine'
        WHEN campaign.state <> 'running' THEN 'paused'
        WHEN is_suppressed(job.number, campaign.id) THEN 'suppressed'
        WHEN campaign.end_at <= now() OR job.open_until <= now() OR campaign.start_at > now() THEN 'closed'
        WHEN job.attempts_counted >= campaign.max_attempts AND NOT job.promised THEN 'no_attempts_left'
    END
$$;

-- Outcomes of ended attempts that were judged anew: the counter of corrections, beside counters that never go back.
CREATE TABLE corrections (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id      uuid NOT NULL,
    trunk_id        integer NOT NULL,
    outcome_before  text NOT NULL,
    outcome         text NOT NULL,
    blame_before    text,
    blame           text NOT NULL,
    rule_before     text,
    rule            text NOT NULL,
    corrected_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX corrections_of_attempt ON corrections (attempt_id);
