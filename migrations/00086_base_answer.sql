-- +goose Up
-- What another registrar attests of the licence that a qualification rests on: asked through the person's own door when the
-- application is handed in, and kept with the case. The two registers' data are never joined.
create table base_answer (
  register_id text not null,
  application_id uuid not null,
  id uuid not null,
  round integer not null,
  base_register text not null,
  number text not null,
  state text not null constraint base_answer_state references entry_state (state),
  valid_until date,
  at timestamptz not null,
  constraint base_answer_pkey primary key (register_id, application_id, id),
  constraint base_answer_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table base_answer is 'Number and state of the applicant''s entries in the register of the base licence, as that register said when a round was handed in. Append-only.';
alter table base_answer enable row level security;
alter table base_answer force row level security;
create policy with_case on base_answer to akashi_citizen
  using (exists (select 1 from application a where a.register_id = base_answer.register_id and a.id = base_answer.application_id offset 0))
  with check (current_setting('app.door', true) = 'person'
    and exists (select 1 from application a where a.register_id = base_answer.register_id and a.id = base_answer.application_id offset 0));
create policy with_case_of_registrar on base_answer for select to akashi_office
  using (exists (select 1 from application a where a.register_id = base_answer.register_id and a.id = base_answer.application_id
    and (current_setting('app.door', true) = 'registrar' or a.registrar_id = current_setting('app.body', true)) offset 0));
grant select, insert on base_answer to akashi_citizen;
grant select on base_answer to akashi_office;

-- +goose Down
drop table base_answer;
