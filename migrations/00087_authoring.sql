-- +goose Up
-- Versions of definitions that a ministry's author brings in through the console: loaded, proposed, decided on by a second
-- person, in force from their day. The text never changes; another text is another row. Nothing here names an applicant.
create table authored_state (
  state text constraint authored_state_pkey primary key,
  sentence text not null
);
comment on table authored_state is 'States of an authored version, the same as authoring.States in Go; a test compares them.';
create table authored_move (
  prior_state text not null,
  state text not null,
  constraint authored_move_pkey primary key (prior_state, state)
);
comment on table authored_move is 'The moves that are allowed, the same as authoring.Moves in Go; (draft, draft) lets a row be inserted.';
insert into authored_state (state, sentence) values
  ('draft', 'An author has loaded the text and looks at what it means.'),
  ('proposed', 'The author has proposed the version; a second person decides.'),
  ('approved', 'A second person has approved the version; it holds from its date on.'),
  ('refused', 'A second person has refused the version, with a reason.'),
  ('withdrawn', 'The author has taken the text back.'),
  ('recalled', 'The approved version was called back before its date; it never held.');
insert into authored_move (prior_state, state) values
  ('draft', 'draft'), ('draft', 'proposed'), ('draft', 'withdrawn'),
  ('proposed', 'approved'), ('proposed', 'refused'), ('proposed', 'withdrawn'), ('approved', 'recalled');

create table authored (
  id uuid constraint authored_pkey primary key,
  qualification_id text not null,
  version text not null,
  valid_from date,
  source text not null constraint authored_source check (octet_length(source) between 1 and 1048576),
  prior_state text not null,
  state text not null constraint authored_state_known references authored_state (state),
  author uuid not null constraint authored_author references staff (id),
  body text not null,
  created_at timestamptz not null,
  reason text not null default '' constraint authored_reason check (char_length(reason) <= 500),
  decided_by uuid constraint authored_decider references staff (id),
  decided_body text,
  decided_at timestamptz,
  decision_reason text constraint authored_decision_reason check (char_length(decision_reason) <= 500),
  published_at timestamptz,
  constraint authored_move foreign key (prior_state, state) references authored_move (prior_state, state),
  constraint authored_second_person check (state not in ('approved', 'refused', 'recalled') or decided_by <> author),
  constraint authored_decided check ((decided_by is null) = (decided_at is null) and (decided_by is null) = (decided_body is null)),
  constraint authored_proposed check (state in ('draft', 'withdrawn') or (qualification_id <> '' and version <> '' and valid_from is not null and reason <> ''))
);
create unique index authored_version_once on authored (qualification_id, version) where state in ('proposed', 'approved');
create index authored_created on authored (created_at desc, id desc);
comment on table authored is 'Texts of definitions that authors have loaded, and what became of them. Only approved ones count. Never deleted; a text is never changed.';

create table authored_count (
  one boolean constraint authored_count_pkey primary key constraint authored_count_single check (one),
  n bigint not null
);
comment on table authored_count is 'How often what holds has changed. Its row serialises decisions, and processes see by it that their copy is old.';
insert into authored_count (one, n) values (true, 0);

alter table authored enable row level security;
alter table authored force row level security;
create policy approved on authored for select to akashi_citizen, akashi_public, akashi_worker using (state = 'approved');
create policy published on authored for update to akashi_worker using (state = 'approved') with check (state = 'approved');
create policy office_reads on authored for select to akashi_office
  using (current_setting('app.door', true) = 'registrar' and (state <> 'draft' or body = current_setting('app.registrar', true)) or state = 'approved');
create policy office_loads on authored for insert to akashi_office
  with check (current_setting('app.door', true) = 'registrar' and state = 'draft' and body = current_setting('app.registrar', true));
create policy office_moves on authored for update to akashi_office
  using (current_setting('app.door', true) = 'registrar' and state in ('draft', 'proposed', 'approved')
    and (state <> 'draft' or body = current_setting('app.registrar', true)))
  with check (current_setting('app.door', true) = 'registrar');
grant select on authored, authored_count to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant select on authored_state, authored_move to akashi_office, akashi_worker;
grant insert on authored to akashi_office;
grant update (prior_state, state, reason, decided_by, decided_body, decided_at, decision_reason) on authored to akashi_office;
grant update (published_at) on authored to akashi_worker;
grant update (n) on authored_count to akashi_office, akashi_worker;

-- +goose Down
drop table authored_count, authored, authored_move, authored_state;
