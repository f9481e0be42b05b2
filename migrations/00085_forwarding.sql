-- +goose Up
-- Cases are worked by the bodies of their route in turn (経由・進達): a forwarding body has the case until it passes it on,
-- with a hand-over note, and sees nothing of it before or after.
insert into application_state (state, sentence) values
  ('forwarding', 'A body on the way to the registrar checks the case and passes it on.');
insert into application_move (prior_state, state) values
  ('signing', 'forwarding'), ('awaiting_payment', 'forwarding'), ('correction_signing', 'forwarding'),
  ('forwarding', 'in_review'), ('forwarding', 'correction_requested'), ('forwarding', 'withdrawn');

alter table application add column stop integer not null default 0;
comment on column application.stop is 'Place in the route of the step that is being worked, or at which the body''s steps begin; 0 is the first.';

alter table work_item drop constraint work_item_step;
alter table work_item add constraint work_item_step check (step in ('intake', 'forward', 'review', 'approval'));

create table hand_over (
  register_id text not null,
  application_id uuid not null,
  stop integer not null,
  from_body text not null,
  to_body text not null,
  parts jsonb not null,
  remarks text not null constraint hand_over_remarks check (char_length(remarks) <= 4000),
  staff_id uuid not null,
  at timestamptz not null,
  constraint hand_over_pkey primary key (register_id, application_id, stop),
  constraint hand_over_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table hand_over is 'Hand-over notes (進達・申し送り): what a body has checked before it passed a case on, part by part, and its remarks. Append-only.';

create table hand_over_receipt (
  register_id text not null,
  application_id uuid not null,
  stop integer not null,
  body_id text not null,
  staff_id uuid not null,
  at timestamptz not null,
  constraint hand_over_receipt_pkey primary key (register_id, application_id, stop),
  constraint hand_over_receipt_fkey foreign key (register_id, application_id, stop) references hand_over (register_id, application_id, stop)
);
comment on table hand_over_receipt is 'Who first took a case up at the body that it was passed on to: the receipt for the hand-over of the same stop. Append-only.';

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['hand_over', 'hand_over_receipt'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy with_case on %I to akashi_office
      using (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))
      with check (current_setting('app.door', true) = 'body'
        and exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))$p$, t, t, t, t, t);
  end loop;
end $$;
-- +goose StatementEnd
grant select, insert on hand_over, hand_over_receipt to akashi_office;

-- What the resident and family registries answered is for the registrar, on whose account they were asked: a forwarding body
-- that holds the case does not see it.
drop policy with_case on inquiry;
create policy with_case on inquiry to akashi_citizen, akashi_worker
  using (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id offset 0))
  with check (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id offset 0));
create policy with_case_of_registrar on inquiry to akashi_office
  using (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id
    and (current_setting('app.door', true) = 'registrar' or a.registrar_id = current_setting('app.body', true)) offset 0))
  with check (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id
    and (current_setting('app.door', true) = 'registrar' or a.registrar_id = current_setting('app.body', true)) offset 0));

-- A body cannot write what is behind another body's door, so passing a case on is a function. It works for a case that the
-- body of the transaction holds, and only towards the next body of the route that was pinned when the case was handed in.
-- Its owner sees cases whose route goes through the body of the transaction, and nothing else.
create policy forward on application to akashi_forward
  using (current_setting('app.door', true) = 'body'
    and route @> jsonb_build_array(jsonb_build_object('body', current_setting('app.body', true))));
create policy forward on work_item for insert to akashi_forward
  with check (exists (select 1 from application a where a.register_id = work_item.register_id and a.id = work_item.application_id offset 0));
grant select on application to akashi_forward;
grant update (prior_state, state, body_id, stop, revision, updated_at) on application to akashi_forward;
grant insert on work_item to akashi_forward;
grant select, insert, update on work_count to akashi_forward;
grant select on application_move to akashi_forward;
-- +goose StatementBegin
create function pass_on(in_register text, in_application uuid, in_work uuid, in_slot integer, in_at timestamptz, out to_body text)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  here text := current_setting('app.body', true);
  held record;
  place integer;
  step_there text;
begin
  if current_setting('app.door', true) is distinct from 'body' then
    return;
  end if;
  select a.stop, a.route, a.registrar_id, a.due_on into held from application a
   where a.register_id = in_register and a.id = in_application and a.body_id = here and a.state = 'forwarding' for update;
  if not found then
    return;
  end if;
  place := held.stop;
  while held.route->place->>'body' = here and held.route->place->>'step' in ('intake', 'forward') loop
    place := place + 1;
  end loop;
  if place = held.stop or held.route->place->>'body' is null then
    return;
  end if;
  step_there := case
    when held.route->place->>'step' not in ('intake', 'forward') then 'review'
    when held.route->place->>'body' = held.registrar_id then 'intake'
    else 'forward' end;
  to_body := held.route->place->>'body';
  if step_there = 'review' then
    update application set prior_state = state, state = 'in_review', body_id = to_body, stop = place, revision = revision + 1, updated_at = in_at
     where register_id = in_register and id = in_application;
  else
    update application set body_id = to_body, stop = place, revision = revision + 1, updated_at = in_at
     where register_id = in_register and id = in_application;
  end if;
  insert into work_item (register_id, application_id, id, registrar_id, body_id, step, state, due, opened_at)
  values (in_register, in_application, in_work, held.registrar_id, to_body, step_there, 'open', held.due_on, in_at);
  insert into work_count as w (body_id, step, state, slot, n) values (to_body, step_there, 'open', in_slot, 1)
  on conflict on constraint work_count_pkey do update set n = w.n + excluded.n;
end $$;
-- +goose StatementEnd
alter function pass_on(text, uuid, uuid, integer, timestamptz) owner to akashi_forward;
revoke all on function pass_on(text, uuid, uuid, integer, timestamptz) from public;
grant execute on function pass_on(text, uuid, uuid, integer, timestamptz) to akashi_office;

-- +goose Down
drop function pass_on(text, uuid, uuid, integer, timestamptz);
revoke all on application, work_item, work_count, application_move from akashi_forward;
drop policy forward on work_item;
drop policy forward on application;
drop policy with_case_of_registrar on inquiry;
drop policy with_case on inquiry;
create policy with_case on inquiry
  using (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id offset 0))
  with check (exists (select 1 from application a where a.register_id = inquiry.register_id and a.id = inquiry.application_id offset 0));
drop table hand_over_receipt, hand_over;
alter table work_item drop constraint work_item_step;
alter table work_item add constraint work_item_step check (step in ('review', 'approval'));
alter table application drop column stop;
delete from application_move where 'forwarding' in (prior_state, state);
delete from application_state where state = 'forwarding';
