-- +goose Up
-- Registers use functions of the platform, or leave them out, by the same dated acts as they open and close procedures.
alter table rollout_act add column functions text[] not null default '{}';
comment on column rollout_act.functions is 'Functions that registers begin (use) or cease (unuse) to use, as qualification.Functions; empty for every other act.';
alter table rollout_act drop constraint rollout_act_kind;
alter table rollout_act add constraint rollout_act_kind check (kind in
  ('open', 'close', 'switch', 'unswitch', 'use', 'unuse', 'original', 'unoriginal', 'recall'));
alter table rollout_act add constraint rollout_act_functions check (
  (kind in ('use', 'unuse')) = (cardinality(functions) > 0) and functions <@ array['pdf', 'wallet', 'code', 'number', 'watch']);

-- Who gives copies to wallets and who takes watches asks in the transaction of the act whether the register still does that.
create policy approved_for_programs on rollout_act for select to akashi_issuance, akashi_relying using (state = 'approved');
grant select on rollout_act to akashi_issuance, akashi_relying;

-- +goose Down
revoke select on rollout_act from akashi_issuance, akashi_relying;
drop policy approved_for_programs on rollout_act;
delete from rollout_act where kind in ('use', 'unuse') or recalls in (select id from rollout_act where kind in ('use', 'unuse'));
alter table rollout_act drop constraint rollout_act_functions;
alter table rollout_act drop constraint rollout_act_kind;
alter table rollout_act add constraint rollout_act_kind check (kind in ('open', 'close', 'switch', 'unswitch', 'original', 'unoriginal', 'recall'));
alter table rollout_act drop column functions;
