-- +goose Up
create table check_verdict (
  register_id text not null,
  application_id uuid not null,
  round integer not null,
  check_id text not null,
  verdict text not null constraint check_verdict_verdict check (verdict in ('ok', 'defect', 'not_applicable')),
  reason_code text,
  note text not null default '',
  staff_id uuid not null,
  at timestamptz not null,
  constraint check_verdict_pkey primary key (register_id, application_id, round, check_id),
  constraint check_verdict_reason check (verdict <> 'defect' or reason_code is not null),
  constraint check_verdict_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table check_verdict is 'What a reviewer found for each line of the list, beside what the machine found.';

create table case_note (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  staff_id uuid not null,
  at timestamptz not null,
  body text not null constraint case_note_length check (length(body) between 1 and 4000),
  constraint case_note_pkey primary key (register_id, application_id, id),
  constraint case_note_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table case_note is 'Internal notes of the office. Append-only; they can be subject to disclosure requests.';

create table decision (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  proposal text not null constraint decision_proposal check (proposal in ('approve', 'reject')),
  reasons text[] not null default '{}',
  comment text not null default '',
  findings jsonb not null,
  reviewer_id uuid not null,
  proposed_at timestamptz not null,
  outcome text constraint decision_outcome check (outcome in ('approved', 'rejected', 'returned')),
  approver_id uuid,
  approver_comment text not null default '',
  decided_at timestamptz,
  constraint decision_pkey primary key (register_id, application_id, id),
  constraint decision_four_eyes check (approver_id is null or approver_id <> reviewer_id),
  constraint decision_complete check ((outcome is null) = (approver_id is null) and (outcome is null) = (decided_at is null)),
  constraint decision_follows_proposal check (outcome is null or outcome = 'returned' or outcome = case proposal when 'approve' then 'approved' else 'rejected' end),
  constraint decision_reject_reason check (proposal = 'approve' or cardinality(reasons) > 0),
  constraint decision_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
create unique index decision_one_open on decision (register_id, application_id) where outcome is null;
comment on table decision is 'A reviewer''s proposal and a second person''s decision. findings is the list of checks as it stood when proposed.';

create table passer (
  register_id text not null,
  sitting text not null,
  place text not null,
  number text not null,
  name_key text not null,
  birth_date date not null,
  loaded_at timestamptz not null,
  constraint passer_pkey primary key (register_id, sitting, place, number)
);
comment on table passer is 'Passers of an examination as its body sent them: year and month of the sitting, place, examinee number, folded name, birth date.';

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['check_verdict', 'case_note', 'decision'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy with_case on %I
      using (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))
      with check (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))$p$, t, t, t, t, t);
  end loop;
end $$;
-- +goose StatementEnd
alter table passer enable row level security;
alter table passer force row level security;
create policy registrar on passer to akashi_office, akashi_worker
  using (current_setting('app.door', true) in ('registrar', 'body') and exists (select 1 from register r where r.id = passer.register_id
    and r.registrar_id = coalesce(nullif(current_setting('app.registrar', true), ''), current_setting('app.body', true))))
  with check (current_setting('app.door', true) = 'registrar' and exists (select 1 from register r where r.id = passer.register_id
    and r.registrar_id = current_setting('app.registrar', true)));
grant select, insert, update on check_verdict, decision to akashi_office;
grant select, insert on case_note to akashi_office;
grant select (register_id, application_id, id, proposal, reasons, outcome, decided_at) on decision to akashi_citizen;
grant select on passer to akashi_office;
grant select, insert on passer to akashi_worker;

-- +goose Down
drop table passer, decision, case_note, check_verdict;
