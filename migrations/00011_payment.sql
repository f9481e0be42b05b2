-- +goose Up
create table payment_state (
  state text constraint payment_state_pkey primary key,
  sentence text not null
);
create table payment_move (
  prior_state text not null,
  state text not null,
  constraint payment_move_pkey primary key (prior_state, state)
);
comment on table payment_state is 'States of a payment order, the same as payment.States in Go; a test compares them.';
comment on table payment_move is 'The moves of a payment order that are allowed, the same as payment.Moves in Go.';
insert into payment_state (state, sentence) values
  ('planned', 'The amount is fixed; the provider has not been told.'),
  ('offered', 'The provider holds an order with a payment page.'),
  ('paid', 'The provider says that the amount was paid.'),
  ('cancel_due', 'The case ended while an order stood open at the provider; it is to be cancelled there.'),
  ('cancelled', 'Nothing was and nothing will be charged.'),
  ('refund_due', 'Paid, but the case was withdrawn: to be refunded.'),
  ('refunded', 'The provider says that the amount was returned.');
insert into payment_move (prior_state, state) values
  ('planned', 'planned'), ('planned', 'offered'), ('planned', 'cancel_due'), ('offered', 'paid'), ('offered', 'cancel_due'), ('offered', 'planned'),
  ('cancel_due', 'cancelled'), ('cancel_due', 'refund_due'), ('paid', 'refund_due'), ('refund_due', 'refunded');
grant select on payment_state, payment_move to akashi_citizen, akashi_office, akashi_worker;

create table payment_order (
  register_id text not null,
  application_id uuid not null,
  public_id text not null,
  state text not null,
  prior_state text not null,
  total bigint not null constraint payment_order_total check (total > 0),
  provider_order text,
  pay_url text,
  created_at timestamptz not null,
  paid_at timestamptz,
  ended_at timestamptz,
  constraint payment_order_pkey primary key (register_id, application_id),
  constraint payment_order_public_id_unique unique (register_id, public_id),
  constraint payment_order_move_fkey foreign key (prior_state, state) references payment_move (prior_state, state),
  constraint payment_order_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table payment_order is 'One order a case: what is to be paid. public_id is the idempotency key at the provider, so nothing is charged twice.';

create table fee_line (
  register_id text not null,
  application_id uuid not null,
  line_id text not null,
  kind text not null constraint fee_line_kind check (kind in ('tax', 'fee')),
  collector text not null,
  amount bigint not null constraint fee_line_amount check (amount > 0),
  constraint fee_line_pkey primary key (register_id, application_id, line_id),
  constraint fee_line_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table fee_line is 'Registration tax and fees of a case, as the definition had them when it was submitted. Append-only.';

create table payment_event (
  register_id text not null,
  application_id uuid not null,
  event_id text not null,
  kind text not null,
  source text not null constraint payment_event_source check (source in ('callback', 'asked')),
  at timestamptz not null,
  constraint payment_event_pkey primary key (register_id, application_id, event_id),
  constraint payment_event_application_fkey foreign key (register_id, application_id) references application (register_id, id)
);
comment on table payment_event is 'What the provider told us, each event once. Append-only.';

create table payment_callback (
  event_id text constraint payment_callback_pkey primary key,
  order_id text not null,
  kind text not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null
);
comment on table payment_callback is 'Callbacks whose signature was verified, waiting to be applied by a job. Platform table.';

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['payment_order', 'fee_line', 'payment_event'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy with_case on %I
      using (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))
      with check (exists (select 1 from application a where a.register_id = %I.register_id and a.id = %I.application_id offset 0))$p$, t, t, t, t, t);
  end loop;
end $$;
-- +goose StatementEnd
grant select, insert, update on payment_order to akashi_citizen, akashi_worker;
grant select on payment_order to akashi_office;
grant select, insert on fee_line, payment_event to akashi_citizen, akashi_worker;
grant select on fee_line, payment_event to akashi_office;
grant insert on payment_callback to akashi_public;
grant select, insert, delete on payment_callback to akashi_worker;

-- +goose Down
drop table payment_callback, payment_event, fee_line, payment_order, payment_move, payment_state;
