-- The ledger of the main job: trunks, campaigns, contacts, call jobs, attempts.

-- One row.  `word` sets our rooms apart from another installation's on the same LiveKit.  `epoch` numbers the
-- memory of the limits in Redis; claims hold this row FOR SHARE, so nothing else may be kept in it.
CREATE TABLE installation (
    id     smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    word   text   NOT NULL,
    epoch  bigint NOT NULL DEFAULT 0,
    timeline text  -- of PostgreSQL when the epoch was begun; another one is another primary
);

-- One row: what the feeder last heard from LiveKit.
CREATE TABLE line_status (
    id                   smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    state                text NOT NULL DEFAULT 'unknown',
    detail               text NOT NULL DEFAULT '',
    since                timestamptz NOT NULL DEFAULT now(),
    checked_at           timestamptz,
    clock_offset_seconds double precision,
    away_at              timestamptz,      -- when LiveKit was last found away
    sentinel_sid         text              -- our sentinel room; another sid means LiveKit forgot its rooms
);
INSERT INTO line_status DEFAULT VALUES;

CREATE TABLE trunks (
    id                    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                  text NOT NULL,
    livekit_trunk_id      text NOT NULL,
    calls_per_second      double precision NOT NULL CHECK (calls_per_second > 0),
    max_concurrent_calls  integer NOT NULL CHECK (max_concurrent_calls > 0),
    caller_id             text,
    created_at            timestamptz NOT NULL DEFAULT now(),
    removed_at            timestamptz
);
CREATE UNIQUE INDEX trunks_name ON trunks (name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX trunks_livekit ON trunks (livekit_trunk_id) WHERE removed_at IS NULL;

CREATE TABLE campaigns (
    id                       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                     text NOT NULL UNIQUE,
    trunk_id                 integer REFERENCES trunks,
    caller_id                text,
    country                  text,
    ringing_timeout_seconds  integer NOT NULL CHECK (ringing_timeout_seconds BETWEEN 1 AND 65),
    talk_limit_seconds       integer NOT NULL CHECK (talk_limit_seconds > 0),
    max_attempts             integer NOT NULL CHECK (max_attempts > 0),
    policy                   jsonb NOT NULL,
    state                    text NOT NULL DEFAULT 'draft',
    held_reason              text,
    config_error_numbers     text[] NOT NULL DEFAULT '{}',  -- numbers in a row that failed by configuration
    created_at               timestamptz NOT NULL DEFAULT now(),
    started_at               timestamptz,
    finished_at              timestamptz
);

CREATE TABLE imports (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id  integer NOT NULL REFERENCES campaigns,
    sha256       text NOT NULL,
    file_name    text NOT NULL,
    rows         integer NOT NULL DEFAULT 0,
    rejected     integer NOT NULL DEFAULT 0,
    duplicates   integer NOT NULL DEFAULT 0,
    contacts     integer NOT NULL DEFAULT 0,
    last_line    integer NOT NULL DEFAULT 0,  -- rows up to this line are in; a cut import goes on behind it
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    UNIQUE (campaign_id, sha256)
);

CREATE TABLE contacts (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id  integer NOT NULL REFERENCES campaigns,
    import_id    integer REFERENCES imports,
    line         integer,
    number       text NOT NULL,
    data         json NOT NULL DEFAULT '{}',  -- json, not jsonb: it keeps the columns' order
    UNIQUE (campaign_id, number)
);

-- One call job per contact, under the contact's id.
CREATE TABLE call_jobs (
    id                bigint PRIMARY KEY REFERENCES contacts,
    campaign_id       integer NOT NULL REFERENCES campaigns,
    number            text NOT NULL,
    state             text NOT NULL DEFAULT 'waiting',
    due_at            timestamptz NOT NULL DEFAULT now(),
    lease_token       uuid,
    lease_until       timestamptz,
    attempts_counted  integer NOT NULL DEFAULT 0,
    faults            integer NOT NULL DEFAULT 0,  -- faults of ours that a caller reported for it
    finish_reason     text
) WITH (fillfactor = 85);
CREATE INDEX call_jobs_waiting ON call_jobs (campaign_id, due_at, id) WHERE state = 'waiting';
CREATE INDEX call_jobs_queued ON call_jobs (campaign_id, lease_until) WHERE state = 'queued';

CREATE TABLE attempts (
    id                       uuid PRIMARY KEY,
    call_job_id              bigint NOT NULL REFERENCES call_jobs,
    campaign_id              integer NOT NULL,
    trunk_id                 integer NOT NULL,
    number                   text NOT NULL,
    worker_id                uuid,
    claimed_at               timestamptz NOT NULL DEFAULT now(),
    ringing_timeout_seconds  integer NOT NULL,
    talk_limit_seconds       integer NOT NULL,
    state                    text NOT NULL DEFAULT 'dialing',
    mark                     text,              -- what we did to it, written before it was done
    answered_at              timestamptz,
    sentinel_sid             text,              -- the sentinel room's when it was answered
    doubt_since              timestamptz,
    doubt_rule               text,
    seen_at                  timestamptz,       -- the callee was last seen in its room
    seen_status              text,              -- with this sip.callStatus
    empty_since              timestamptz,
    looked_at                timestamptz,
    ended_at                 timestamptz,
    outcome                  text,
    blame                    text,
    counted                  boolean,
    sent                     boolean,
    rang                     boolean,
    abandoned                boolean NOT NULL DEFAULT false,
    rule                     text,
    sip_code                 integer,
    sip_status               text,
    ring_seconds             double precision,
    talk_seconds             double precision,
    evidence                 jsonb
) WITH (fillfactor = 85);
-- The wall against ringing one phone twice: one open attempt per number, over all campaigns.
CREATE UNIQUE INDEX attempts_open ON attempts (number) WHERE state <> 'ended';
CREATE INDEX attempts_of_call_job ON attempts (call_job_id);

CREATE TABLE attempt_counters (
    trunk_id  integer NOT NULL,
    outcome   text NOT NULL,
    value     bigint NOT NULL,
    PRIMARY KEY (trunk_id, outcome)
);

CREATE TABLE workers (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL,
    pid           integer NOT NULL,
    host          text NOT NULL,
    version       text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    heartbeat_at  timestamptz NOT NULL DEFAULT now(),
    state         text NOT NULL DEFAULT 'running'
);

-- Why a call job may not be claimed under this lease; NULL when it may.  The one list of the claim's conditions:
-- a later migration replaces it, and from then on also binds the processes of the version before.
CREATE FUNCTION claim_refusal(job call_jobs, campaign campaigns, lease uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN job.state <> 'queued' OR job.lease_token IS DISTINCT FROM lease OR job.lease_until <= now()
            THEN 'not_mine'
        WHEN campaign.state <> 'running' THEN 'paused'
        WHEN job.attempts_counted >= campaign.max_attempts THEN 'no_attempts_left'
    END
$$;
