-- +goose Up
-- A body sees nothing of a case that it has passed on. What became of its own hand-overs it can be told: where the case is now, who
-- has confirmed the receipt and when, without names and without the decision.
create policy own_notes on hand_over for select to akashi_forward
  using (current_setting('app.door', true) = 'body' and from_body = current_setting('app.body', true));
create policy own_notes on hand_over_receipt for select to akashi_forward
  using (exists (select 1 from hand_over h where h.register_id = hand_over_receipt.register_id
    and h.application_id = hand_over_receipt.application_id and h.stop = hand_over_receipt.stop offset 0));
grant select on hand_over, hand_over_receipt to akashi_forward;
create index hand_over_from on hand_over (from_body, at desc, application_id);
-- +goose StatementBegin
create function passed_on(in_before timestamptz, in_limit integer)
returns table (register_id text, public_id text, definition_id text, procedure_id text, at timestamptz, to_body text, received_at timestamptz,
  now_at text, standing text)
language sql stable security definer set search_path = public, pg_temp as $$
  select h.register_id, a.public_id, a.definition_id, a.procedure_id, h.at, h.to_body, r.at, a.body_id,
    case when a.state = 'forwarding' then 'on_the_way'
         when a.state in ('correction_requested', 'correction_signing') then 'corrected'
         when a.state in ('in_review', 'proposed') then 'in_review'
         else 'ended' end
    from hand_over h
    join application a on a.register_id = h.register_id and a.id = h.application_id
    left join hand_over_receipt r on r.register_id = h.register_id and r.application_id = h.application_id and r.stop = h.stop
   where current_setting('app.door', true) = 'body' and h.from_body = current_setting('app.body', true)
     and (in_before is null or h.at < in_before)
   order by h.at desc, h.application_id limit least(in_limit, 200)
$$;
-- +goose StatementEnd
alter function passed_on(timestamptz, integer) owner to akashi_forward;
revoke all on function passed_on(timestamptz, integer) from public;
grant execute on function passed_on(timestamptz, integer) to akashi_office;

-- +goose Down
drop function passed_on(timestamptz, integer);
drop index hand_over_from;
revoke select on hand_over, hand_over_receipt from akashi_forward;
drop policy own_notes on hand_over_receipt;
drop policy own_notes on hand_over;
