-- +goose Up

-- The person's side. It knows which registrar's reference belongs to the person; the register's side knows only the
-- reference.
create table person_application (
  person_id uuid not null,
  public_id text not null,
  register_id text not null,
  application_id uuid not null,
  person_ref uuid not null,
  definition_id text not null,
  procedure_id text not null,
  created_at timestamptz not null,
  constraint person_application_pkey primary key (person_id, public_id)
);
create index person_application_ref on person_application (person_ref);
comment on table person_application is 'Directory of a person''s applications, written with the application itself.';

create table holding (
  person_id uuid not null,
  register_id text not null,
  entry_id uuid not null,
  person_ref uuid not null,
  linked_at timestamptz not null,
  constraint holding_pkey primary key (person_id, register_id, entry_id)
);
comment on table holding is 'Which entries of which registers belong to a person; written with the entry.';

alter table person_application enable row level security;
alter table person_application force row level security;
alter table holding enable row level security;
alter table holding force row level security;
create policy own on person_application to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid
    and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy own on holding for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_id = nullif(current_setting('app.person', true), '')::uuid);
create policy link_reads on person_application for select to akashi_link using (person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy link_writes on holding for insert to akashi_link with check (person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy link_reads on holding for select to akashi_link using (person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select, insert on person_application to akashi_citizen;
grant select on holding to akashi_citizen;
grant select on person_application to akashi_link;
grant select, insert on holding to akashi_link;

-- Ties an entry to the person behind the reference that the transaction has been narrowed to, without telling the
-- registrar's side who that is.
-- +goose StatementBegin
create function link_holding(in_ref uuid, in_register text, in_entry uuid, in_at timestamptz) returns boolean
language sql security definer set search_path = public as $$
  insert into holding (person_id, register_id, entry_id, person_ref, linked_at)
  select a.person_id, in_register, in_entry, in_ref, in_at
    from person_application a
   where a.person_ref = in_ref
     and in_ref = nullif(current_setting('app.person_ref', true), '')::uuid
     and current_setting('app.door', true) in ('registrar', 'body')
   limit 1
  on conflict on constraint holding_pkey do nothing
  returning true
$$;
-- +goose StatementEnd
alter function link_holding(uuid, text, uuid, timestamptz) owner to akashi_link;
revoke all on function link_holding(uuid, text, uuid, timestamptz) from public;
grant execute on function link_holding(uuid, text, uuid, timestamptz) to akashi_office, akashi_worker;

-- The register's side: one case from draft to decision.
create table application_state (
  state text constraint application_state_pkey primary key,
  sentence text not null
);
comment on table application_state is 'States of an application, the same as application.States in Go; a test compares them.';
create table application_move (
  prior_state text not null,
  state text not null,
  constraint application_move_pkey primary key (prior_state, state)
);
comment on table application_move is 'The moves that are allowed, the same as application.Moves in Go; (draft, draft) lets a row be inserted.';
insert into application_state (state, sentence) values
  ('draft', 'The applicant is filling in the form.'),
  ('signing', 'The content is frozen and waits for the signature of the applicant''s card.'),
  ('awaiting_payment', 'Submitted; the registration tax or fee has not been paid.'),
  ('in_review', 'A reviewer of the body examines the case.'),
  ('correction_requested', 'The applicant has been asked to correct named items.'),
  ('correction_signing', 'The corrected content is frozen and waits for the signature.'),
  ('proposed', 'The reviewer has proposed a decision; a second person decides.'),
  ('registered', 'Decided: the register has been changed.'),
  ('rejected', 'Decided: rejected with reasons.'),
  ('withdrawn', 'The applicant has withdrawn the application.'),
  ('expired', 'The draft was not submitted before its expiry.');
insert into application_move (prior_state, state) values
  ('draft', 'draft'), ('draft', 'signing'), ('draft', 'withdrawn'), ('draft', 'expired'), ('draft', 'proposed'),
  ('signing', 'draft'), ('signing', 'awaiting_payment'), ('signing', 'in_review'), ('signing', 'withdrawn'), ('signing', 'expired'),
  ('awaiting_payment', 'in_review'), ('awaiting_payment', 'withdrawn'),
  ('in_review', 'correction_requested'), ('in_review', 'proposed'), ('in_review', 'withdrawn'),
  ('correction_requested', 'correction_signing'), ('correction_requested', 'withdrawn'),
  ('correction_signing', 'correction_requested'), ('correction_signing', 'in_review'), ('correction_signing', 'withdrawn'),
  ('proposed', 'in_review'), ('proposed', 'registered'), ('proposed', 'rejected'), ('proposed', 'withdrawn');
grant select on application_state, application_move to akashi_citizen, akashi_office, akashi_worker;

create table application (
  register_id text not null,
  id uuid not null,
  public_id text not null,
  registrar_id text not null,
  body_id text not null,
  person_ref uuid not null,
  definition_id text not null,
  definition_version text not null,
  procedure_id text not null,
  channel text not null constraint application_channel check (channel in ('online', 'counter')),
  origin text not null constraint application_origin check (origin in ('citizen', 'counter', 'office', 'system')),
  lang text not null constraint application_lang check (lang in ('ja', 'en', 'easy')),
  state text not null,
  prior_state text not null,
  applicant jsonb not null,
  answers jsonb not null,
  entry_id uuid,
  round integer not null default 0,
  revision integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  submitted_at timestamptz,
  decided_at timestamptz,
  due_on date,
  constraint application_pkey primary key (register_id, id),
  constraint application_public_id_unique unique (register_id, public_id),
  constraint application_move_fkey foreign key (prior_state, state) references application_move (prior_state, state),
  constraint application_definition_fkey foreign key (definition_id, definition_version) references definition (id, version)
) with (fillfactor = 50); -- a case changes a dozen times: its versions stay on their page, and no index is written
create index application_ref on application (person_ref, register_id);
create index application_expiry on application (expires_at) where expires_at is not null;
comment on table application is 'One person''s request for one procedure, from draft to decision. body_id is the body that must act; applicant is what the card said at login.';
alter table application enable row level security;
alter table application force row level security;
create policy person on application to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy registrar on application to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy body_reads on application for select to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'body' and body_id = current_setting('app.body', true) and state not in ('draft', 'signing', 'expired'));
create policy body_moves on application for update to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'body' and body_id = current_setting('app.body', true) and state not in ('draft', 'signing', 'expired'))
  with check (current_setting('app.door', true) = 'body' and body_id = current_setting('app.body', true));
grant select, insert, update on application to akashi_citizen, akashi_office, akashi_worker;

create table sign_request (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  round integer not null,
  bytes bytea not null,
  digest bytea not null constraint sign_request_digest check (length(digest) = 32),
  transaction_id text,
  state text not null constraint sign_request_state check (state in ('open', 'used', 'dropped')),
  created_at timestamptz not null,
  constraint sign_request_pkey primary key (register_id, application_id, id),
  constraint sign_request_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table sign_request is 'Content frozen for signing: the exact bytes and their digest, before the card signs them.';

create table submission (
  register_id text not null,
  application_id uuid not null,
  round integer not null,
  sign_request_id uuid not null,
  bytes bytea not null,
  digest bytea not null,
  cms bytea not null,
  signer jsonb not null,
  submitted_at timestamptz not null,
  constraint submission_pkey primary key (register_id, application_id, round),
  constraint submission_once unique (register_id, application_id, sign_request_id),
  constraint submission_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table submission is 'What was submitted and signed, verbatim, with its detached CMS signature. Append-only; round 0 is the first.';

create table upload (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  evidence_id text not null,
  round integer not null,
  sha256 text not null,
  size bigint not null,
  media text not null constraint upload_media check (media in ('application/pdf', 'image/jpeg', 'image/png')),
  name text not null,
  uploaded_at timestamptz not null,
  removed_at timestamptz,
  constraint upload_pkey primary key (register_id, application_id, id),
  constraint upload_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table upload is 'Documents handed in with a case; the content is stored by its hash.';

create table inquiry (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  round integer not null,
  system text not null constraint inquiry_system check (system in ('resident', 'family')),
  state text not null constraint inquiry_state check (state in ('waiting', 'answered', 'failed')),
  class text,
  answer jsonb,
  source text,
  asked_at timestamptz not null,
  answered_at timestamptz,
  tries integer not null default 0,
  constraint inquiry_pkey primary key (register_id, application_id, id),
  constraint inquiry_once unique (register_id, application_id, round, system),
  constraint inquiry_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table inquiry is 'Questions to the resident and family registries: intent before the call, the answer with time and source after it.';

create table correction (
  register_id text not null,
  application_id uuid not null,
  round integer not null,
  origin text not null constraint correction_origin check (origin in ('staff', 'system')),
  items jsonb not null,
  due_on date not null,
  requested_by uuid,
  requested_at timestamptz not null,
  answered_at timestamptz,
  constraint correction_pkey primary key (register_id, application_id, round),
  constraint correction_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table correction is 'Itemised correction requests (不備訂正指示): round n asks for what submission round n answers.';

create table case_event (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  kind text not null,
  actor text not null constraint case_event_actor check (actor in ('applicant', 'staff', 'system')),
  detail jsonb not null default '{}',
  constraint case_event_pkey primary key (register_id, application_id, id),
  constraint case_event_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table case_event is 'What happened to a case, in the words the applicant may read: the source of the timeline. Append-only.';

create table notice (
  register_id text not null,
  id uuid not null,
  application_id uuid not null,
  person_ref uuid not null,
  kind text not null,
  at timestamptz not null,
  read_at timestamptz,
  constraint notice_pkey primary key (register_id, id),
  constraint notice_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
create index notice_ref on notice (person_ref, at desc);
comment on table notice is 'The portal''s inbox: a pointer to a case and a kind, no personal data.';

create table work_item (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  registrar_id text not null,
  body_id text not null,
  step text not null constraint work_item_step check (step in ('review', 'approval')),
  state text not null constraint work_item_state check (state in ('open', 'taken', 'waiting', 'done')),
  assignee uuid,
  due date not null,
  opened_at timestamptz not null,
  done_at timestamptz,
  constraint work_item_pkey primary key (register_id, application_id, id),
  constraint work_item_application_fkey foreign key (register_id, application_id) references application (register_id, id),
  constraint work_item_assigned check ((state = 'taken') = (assignee is not null) or state in ('waiting', 'done'))
);
create index work_item_inbox on work_item (body_id, state, due, opened_at, id);
create unique index work_item_one_active on work_item (register_id, application_id) where state <> 'done';
comment on table work_item is 'Whose turn it is: the inbox of a body. At most one item of a case is active.';

create table work_count (
  body_id text not null,
  step text not null,
  state text not null,
  slot integer not null,
  n bigint not null,
  constraint work_count_pkey primary key (body_id, step, state, slot)
) with (fillfactor = 50);
comment on table work_count is 'Counters of the inbox, kept in the transactions that move work items, spread over slots so that they do not queue.';
grant select, insert, update on work_count to akashi_citizen, akashi_office, akashi_worker;

-- Whatever hangs on a case is visible exactly where the case is. "offset 0" keeps the planner from answering the question
-- by a table of all cases behind the door, which it finds cheap while there are few and goes on with when there are many:
-- the case is looked up by its key.
-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['sign_request', 'submission', 'upload', 'inquiry', 'correction', 'case_event'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy with_case on %I
      using (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))
      with check (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))$p$, t, t, t, t, t);
  end loop;
end $$;
-- +goose StatementEnd
alter table notice enable row level security;
alter table notice force row level security;
create policy person on notice to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy with_case on notice to akashi_office, akashi_worker
  using (exists (select 1 from application a where a.register_id = notice.register_id and a.id = notice.application_id offset 0))
  with check (exists (select 1 from application a where a.register_id = notice.register_id and a.id = notice.application_id offset 0));
alter table work_item enable row level security;
alter table work_item force row level security;
create policy person on work_item to akashi_citizen
  using (exists (select 1 from application a where a.register_id = work_item.register_id and a.id = work_item.application_id offset 0))
  with check (exists (select 1 from application a where a.register_id = work_item.register_id and a.id = work_item.application_id offset 0));
create policy registrar on work_item to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy body on work_item to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'body' and body_id = current_setting('app.body', true))
  with check (current_setting('app.door', true) = 'body' and body_id = current_setting('app.body', true)
    and exists (select 1 from application a where a.register_id = work_item.register_id and a.id = work_item.application_id offset 0));
grant select, insert, update on sign_request, upload, inquiry, correction, notice, work_item to akashi_citizen, akashi_office, akashi_worker;
grant select, insert on submission, case_event to akashi_citizen, akashi_office, akashi_worker;

-- +goose Down
drop table work_count, work_item, notice, case_event, correction, inquiry, upload, submission, sign_request, application,
  application_move, application_state;
drop function link_holding(uuid, text, uuid, timestamptz);
drop table holding, person_application;
