-- +goose Up
-- What happened, by whom, why and to whose data: never the data. The row commits with the act it records. xid is the
-- transaction that wrote it and fills itself (no role may insert into that column), so that the sequencer can tell
-- which rows can no longer be joined by an earlier one that commits late.
create table audit_event (
  id uuid constraint audit_event_pkey primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null,
  act text not null constraint audit_event_act check (act ~ '^[a-z_]+(\.[a-z_]+)+$'),
  actor_kind text not null constraint audit_event_actor_kind check (actor_kind in ('person', 'staff', 'system', 'public', 'relying')),
  actor_id text not null,
  actor_role text not null,
  actor_body text not null,
  purpose text not null constraint audit_event_purpose check (char_length(purpose) <= 200),
  register_id text not null,
  registrar_id text not null,
  person_ref uuid,
  case_id uuid,
  entry_id uuid,
  items text[] not null,
  outcome text not null,
  salt bytea not null constraint audit_event_salt check (length(salt) = 16),
  commitment bytea not null constraint audit_event_commitment check (length(commitment) = 32),
  -- A person is named by the reference that the registrar knows, never by an id that two registrars could compare.
  constraint audit_event_person check (actor_kind <> 'person' or actor_id = '' or actor_id = person_ref::text)
);
comment on table audit_event is 'What was done, by whom, for which purpose and to whose data; never a value. Append-only, committed with the act. The salted hash in commitment goes into the Merkle log.';
create index audit_event_order on audit_event (xid, id);
create index audit_event_ref on audit_event (person_ref, at desc, id desc) where person_ref is not null;
create index audit_event_case on audit_event (case_id, at desc, id desc) where case_id is not null;
create index audit_event_entry on audit_event (entry_id, at desc, id desc) where entry_id is not null;
create index audit_event_registrar on audit_event (registrar_id, at desc, id desc);

alter table audit_event enable row level security;
alter table audit_event force row level security;

create policy person_reads on audit_event for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy registrar_reads on audit_event for select to akashi_office
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy body_reads on audit_event for select to akashi_office
  using (current_setting('app.door', true) = 'body' and actor_body = current_setting('app.body', true));
create policy worker_reads on audit_event for select to akashi_worker
  using (current_user = 'akashi_worker');

create policy person_records on audit_event for insert to akashi_citizen
  with check (current_setting('app.door', true) = 'person' and actor_kind in ('person', 'system')
    and (person_ref is null or person_ref = nullif(current_setting('app.person_ref', true), '')::uuid));
create policy registrar_records on audit_event for insert to akashi_office
  with check (current_setting('app.door', true) = 'registrar' and actor_kind in ('staff', 'system')
    and registrar_id = current_setting('app.registrar', true));
create policy body_records on audit_event for insert to akashi_office
  with check (current_setting('app.door', true) = 'body' and actor_kind in ('staff', 'system')
    and actor_body in ('', current_setting('app.body', true)));
-- Logging in and out happens before any door is open and concerns nobody else.
create policy platform_records on audit_event for insert to akashi_citizen, akashi_office
  with check (coalesce(current_setting('app.door', true), '') = '' and registrar_id = '' and person_ref is null);
create policy public_records on audit_event for insert to akashi_public
  with check (current_setting('app.door', true) = 'public' and actor_kind in ('public', 'relying', 'system') and person_ref is null);
create policy worker_records on audit_event for insert to akashi_worker
  with check (coalesce(current_setting('app.registrar', true), '') in ('', registrar_id));

grant select on audit_event to akashi_citizen, akashi_office, akashi_worker;
grant insert (id, at, act, actor_kind, actor_id, actor_role, actor_body, purpose, register_id, registrar_id, person_ref,
  case_id, entry_id, items, outcome, salt, commitment) on audit_event to akashi_citizen, akashi_office, akashi_public, akashi_worker;

-- The Merkle log over the commitments (RFC 6962). These tables hold hashes only and disclose nothing, so every role may
-- read them to prove something; only the sequencer writes.
create table audit_leaf (
  seq bigint constraint audit_leaf_pkey primary key constraint audit_leaf_seq check (seq >= 0),
  commitment bytea not null constraint audit_leaf_once unique
);
comment on table audit_leaf is 'Leaves of the Merkle log: number and commitment of one audit event. Append-only.';

create table audit_tile (
  level integer not null,
  n bigint not null,
  root bytea not null constraint audit_tile_root check (length(root) = 32),
  data bytea not null constraint audit_tile_data check (length(data) = 8192),
  constraint audit_tile_pkey primary key (level, n)
);
comment on table audit_tile is 'Complete tiles of height 8 (256 hashes) of the Merkle log, each with the hash of its subtree. Append-only.';

create table audit_checkpoint (
  size bigint constraint audit_checkpoint_pkey primary key,
  root bytea not null,
  at timestamptz not null,
  note text not null
);
comment on table audit_checkpoint is 'Signed checkpoints (C2SP tlog-checkpoint): size and root of the Merkle log at a time. Append-only.';

create table audit_head (
  tree text constraint audit_head_pkey primary key constraint audit_head_single check (tree = 'events'),
  size bigint not null,
  root bytea not null,
  upto xid8 not null
);
comment on table audit_head is 'Where the sequencer stands: leaves so far, their root, and the transaction up to which events have been looked at.';
insert into audit_head (tree, size, root, upto) values ('events', 0, sha256(''), '0');

grant select on audit_leaf, audit_tile, audit_checkpoint, audit_head to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant insert on audit_leaf, audit_tile, audit_checkpoint to akashi_worker;
grant update (size, root, upto) on audit_head to akashi_worker;

-- +goose Down
drop table audit_head, audit_checkpoint, audit_tile, audit_leaf, audit_event;
