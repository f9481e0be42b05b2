-- +goose Up
-- Applications that came on paper (窓口): staff of the registrar enter them, with the day on which the paper came in. Such a case
-- has no applicant at the portal; its reference is the one of the entry that it is about, or one that nobody has.
alter table application add column received_on date
  constraint application_received check (received_on is null or origin = 'counter');
comment on column application.received_on is 'Day on which the paper came in, for a case entered at a counter: fees, route and deadline are those of this day.';

-- A draft at the counter is the registrar's own, and nobody else's: bodies see no other drafts.
create policy counter_drafts on application to akashi_office
  using (current_setting('app.door', true) = 'body' and origin = 'counter' and registrar_id = current_setting('app.body', true)
    and body_id = registrar_id and state in ('draft', 'signing'))
  with check (current_setting('app.door', true) = 'body' and origin = 'counter' and registrar_id = current_setting('app.body', true)
    and body_id = registrar_id and state in ('draft', 'signing'));
-- Nobody who is logged in with a card makes or moves a case of the counter, also not one about an entry that they hold.
create policy not_of_the_counter on application as restrictive for insert to akashi_citizen with check (origin <> 'counter');
create policy not_at_the_counter on application as restrictive for update to akashi_citizen using (origin <> 'counter') with check (origin <> 'counter');

create index application_counter on application (registrar_id, id)
  where origin = 'counter' and state in ('draft', 'signing', 'correction_requested', 'correction_signing');

create table paper_receipt (
  register_id text not null,
  application_id uuid not null,
  round integer not null,
  answers jsonb not null,
  staff_id uuid not null,
  at timestamptz not null,
  constraint paper_receipt_pkey primary key (register_id, application_id, round),
  constraint paper_receipt_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table paper_receipt is 'What staff saw of a round that came on paper: the day, who the applicant is and how that was checked, the signature on it, what was paid. Changed until the round is handed in; then it stands in submission.';

create table paper_hand (
  register_id text not null,
  application_id uuid not null,
  staff_id uuid not null,
  at timestamptz not null,
  constraint paper_hand_pkey primary key (register_id, application_id, staff_id),
  constraint paper_hand_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table paper_hand is 'Who has had a hand in entering a case that came on paper: they cannot decide it. Append-only.';

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['paper_receipt', 'paper_hand'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy with_case on %I to akashi_office, akashi_worker
      using (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id and a.origin = 'counter' offset 0))
      with check (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id and a.origin = 'counter' offset 0))$p$, t, t, t, t, t);
  end loop;
end $$;
-- +goose StatementEnd
create policy while_open on paper_receipt as restrictive for update to akashi_office
  using (exists (select 1 from application a where a.register_id = paper_receipt.register_id and a.id = paper_receipt.application_id
    and a.round = paper_receipt.round and a.state in ('draft', 'signing', 'correction_requested', 'correction_signing') offset 0));
grant select, insert, update on paper_receipt to akashi_office;
grant select, insert on paper_hand to akashi_office;
grant select, delete on paper_receipt to akashi_worker;

-- The second person is another one than whoever entered the paper, as than whoever proposed (decision_four_eyes).
create policy not_who_entered on decision as restrictive to akashi_office
  using (true)
  with check (approver_id is null or not exists (select 1 from paper_hand h where h.register_id = decision.register_id
    and h.application_id = decision.application_id and h.staff_id = decision.approver_id offset 0));

grant insert on fee_line to akashi_office;
grant select, insert, update on stored_file to akashi_office;

-- +goose Down
revoke select, insert, update on stored_file from akashi_office;
revoke insert on fee_line from akashi_office;
drop policy not_who_entered on decision;
drop table paper_hand, paper_receipt;
drop policy not_at_the_counter on application;
drop policy not_of_the_counter on application;
drop policy counter_drafts on application;
drop index application_counter;
alter table application drop column received_on;
