-- +goose Up
-- Selective use (選択的利用): which procedure is open at which register, from which day, through which channel; from when
-- online applications no longer go through a prefecture; from when the digital credential is the legal original. Each is
-- a dated act that one person proposes and another approves. Nothing here names an applicant.
create table rollout_state (
  state text constraint rollout_state_pkey primary key,
  sentence text not null
);
comment on table rollout_state is 'States of an act, the same as rollout.States in Go; a test compares them.';
create table rollout_move (
  prior_state text not null,
  state text not null,
  constraint rollout_move_pkey primary key (prior_state, state)
);
comment on table rollout_move is 'The moves that are allowed, the same as rollout.Moves in Go; (proposed, proposed) lets a row be inserted.';
insert into rollout_state (state, sentence) values
  ('proposed', 'One person has proposed the act; a second person decides.'),
  ('approved', 'A second person has approved the act; it counts from its date on.'),
  ('refused', 'A second person has refused the act, with a reason.'),
  ('withdrawn', 'Whoever proposed the act has taken it back.'),
  ('recalled', 'Another act has recalled it before its date; it never counted.');
insert into rollout_move (prior_state, state) values
  ('proposed', 'proposed'), ('proposed', 'approved'), ('proposed', 'refused'), ('proposed', 'withdrawn'), ('approved', 'recalled');

create table rollout_act (
  id uuid constraint rollout_act_pkey primary key,
  kind text not null constraint rollout_act_kind check (kind in ('open', 'close', 'switch', 'unswitch', 'original', 'unoriginal', 'recall')),
  qualification_id text not null,
  bodies text[] not null,
  procedures text[] not null,
  channel text not null constraint rollout_act_channel check (channel in ('', 'online', 'counter')),
  effective_on date not null,
  recalls uuid constraint rollout_act_recalls references rollout_act (id),
  reason text not null constraint rollout_act_reason check (char_length(reason) between 1 and 500),
  prior_state text not null,
  state text not null,
  proposed_by uuid not null constraint rollout_act_proposer references staff (id),
  proposed_body text not null,
  proposed_at timestamptz not null,
  decided_by uuid constraint rollout_act_decider references staff (id),
  decided_body text,
  decided_at timestamptz,
  decision_reason text constraint rollout_act_decision_reason check (char_length(decision_reason) <= 500),
  constraint rollout_act_move foreign key (prior_state, state) references rollout_move (prior_state, state),
  constraint rollout_act_state foreign key (state) references rollout_state (state),
  constraint rollout_act_recall_target check ((kind = 'recall') = (recalls is not null)),
  constraint rollout_act_second_person check (state not in ('approved', 'refused', 'recalled') or decided_by <> proposed_by),
  constraint rollout_act_decided check ((state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)
    and (decided_by is null) = (decided_body is null)),
  constraint rollout_act_refused_why check (state <> 'refused' or char_length(decision_reason) > 0),
  constraint rollout_act_scope check (kind in ('original', 'unoriginal', 'recall') or cardinality(bodies) > 0)
);
create index rollout_act_qualification on rollout_act (qualification_id, proposed_at desc, id desc);
create unique index rollout_act_recalled_once on rollout_act (recalls) where state = 'approved';
comment on table rollout_act is 'Dated acts of selective use: proposed by one person, approved by another. Only approved ones count. Never deleted; what was decided is not changed.';

create table rollout_version (
  qualification_id text constraint rollout_version_pkey primary key,
  n bigint not null
);
comment on table rollout_version is 'How often an act of a qualification was approved. Its row serialises decisions, and processes see by the sum that their copy is old.';

alter table rollout_act enable row level security;
alter table rollout_act force row level security;
create policy approved on rollout_act for select to akashi_citizen, akashi_public, akashi_worker using (state = 'approved');
create policy office_reads on rollout_act for select to akashi_office using (true);
create policy office_proposes on rollout_act for insert to akashi_office
  with check (current_setting('app.door', true) = 'registrar' and state = 'proposed' and proposed_body = current_setting('app.registrar', true));
create policy office_decides on rollout_act for update to akashi_office
  using (current_setting('app.door', true) = 'registrar' and state in ('proposed', 'approved'))
  with check (current_setting('app.door', true) = 'registrar'
    and (state = 'recalled' or decided_body = current_setting('app.registrar', true)));

grant select on rollout_act, rollout_version to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant select on rollout_state, rollout_move to akashi_office, akashi_worker;
grant insert on rollout_act, rollout_version to akashi_office;
grant update (prior_state, state, decided_by, decided_body, decided_at, decision_reason) on rollout_act to akashi_office;
grant update (n) on rollout_version to akashi_office;

alter table staff_role drop constraint staff_role_known;
alter table staff_role add constraint staff_role_known check (role in
  ('intake', 'reviewer', 'approver', 'register_keeper', 'statistician', 'auditor', 'admin', 'planner', 'director'));

-- +goose Down
alter table staff_role drop constraint staff_role_known;
alter table staff_role add constraint staff_role_known check (role in
  ('intake', 'reviewer', 'approver', 'register_keeper', 'statistician', 'auditor', 'admin'));
drop table rollout_version, rollout_act, rollout_move, rollout_state;
