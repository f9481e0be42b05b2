-- +goose Up
create table entry_state (
  state text constraint entry_state_pkey primary key,
  sentence text not null
);
create table entry_move (
  prior_state text not null,
  state text not null,
  constraint entry_move_pkey primary key (prior_state, state)
);
comment on table entry_state is 'States of an entry, the same as registry.States in Go; a test compares them.';
comment on table entry_move is 'The moves of an entry that are allowed, the same as registry.Moves in Go.';
insert into entry_state (state, sentence) values
  ('registered', 'The person is registered and may use the qualification.'),
  ('suspended', 'The registration stands; the use of the qualification is suspended by a measure.'),
  ('revoked', 'The registration was revoked by a measure.'),
  ('cancelled', 'The registration was cancelled on application or after a death.');
insert into entry_move (prior_state, state) values
  ('registered', 'registered'), ('registered', 'suspended'), ('registered', 'revoked'), ('registered', 'cancelled'),
  ('suspended', 'registered'), ('suspended', 'revoked'), ('suspended', 'cancelled'), ('suspended', 'suspended'), ('revoked', 'registered'),
  ('cancelled', 'registered');
grant select on entry_state, entry_move to akashi_citizen, akashi_office, akashi_worker;

create table entry (
  register_id text not null,
  id uuid not null,
  registrar_id text not null,
  number text not null,
  series text not null,
  ordinal bigint not null,
  person_ref uuid,
  state text not null,
  prior_state text not null,
  registered_on date not null,
  facts jsonb not null,
  name_key text collate "C" not null,
  kana_key text collate "C" not null,
  grams text[] not null,
  key_version integer not null,
  birth_date date not null,
  revision integer not null,
  updated_at timestamptz not null,
  constraint entry_pkey primary key (register_id, id),
  constraint entry_number_unique unique (register_id, number),
  constraint entry_ordinal_unique unique (register_id, series, ordinal),
  constraint entry_move_fkey foreign key (prior_state, state) references entry_move (prior_state, state)
);
create index entry_name on entry (registrar_id, name_key collate "C");
create index entry_kana on entry (registrar_id, kana_key collate "C");
create index entry_birth on entry (registrar_id, birth_date);
create index entry_person_ref on entry (person_ref) where person_ref is not null;
create index entry_grams on entry using gin (grams);
comment on table entry is 'One person''s line in a register as it stands now, with its own particulars; names are never normalised, the keys beside them are.';
alter table entry enable row level security;
alter table entry force row level security;
create policy registrar on entry to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy body_reads on entry for select to akashi_office
  using (current_setting('app.door', true) = 'body' and registrar_id = current_setting('app.body', true));
create policy person on entry for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy search on entry for select to akashi_search using (registrar_id = current_setting('app.registrar', true));
grant select, insert, update on entry to akashi_office, akashi_worker;
grant select on entry to akashi_citizen;
grant select on entry to akashi_search;

create table entry_history (
  register_id text not null,
  entry_id uuid not null,
  revision integer not null,
  registrar_id text not null,
  person_ref uuid,
  at timestamptz not null,
  effective_on date not null,
  act text not null,
  state text not null,
  facts jsonb not null,
  application_id uuid,
  constraint entry_history_pkey primary key (register_id, entry_id, revision),
  constraint entry_history_entry_fkey foreign key (register_id, entry_id) references entry (register_id, id)
);
create unique index entry_history_once on entry_history (register_id, application_id) where application_id is not null;
comment on table entry_history is 'Every state of every entry, with the act that made it. Append-only: the register at any past date is read from here.';
alter table entry_history enable row level security;
alter table entry_history force row level security;
create policy registrar on entry_history to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on entry_history for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
grant select, insert on entry_history to akashi_office, akashi_worker;
grant select on entry_history to akashi_citizen;

create table numbering (
  register_id text not null,
  series text not null,
  next bigint not null,
  constraint numbering_pkey primary key (register_id, series)
);
comment on table numbering is 'Next registration number of a series. Taken last in the approval''s transaction, so that a number is neither skipped nor used twice.';
grant select, insert, update on numbering to akashi_office, akashi_worker;

-- Infix search over one- and two-character grams. The array operator is not leakproof, so under row-level security the
-- planner would check the policy first and read the whole register; this function repeats the registrar's condition.
-- +goose StatementBegin
create function search_entry_grams(in_grams text[], in_limit integer) returns setof entry
language sql stable security definer set search_path = public as $$
  select e.* from entry e
   where current_setting('app.door', true) = 'registrar'
     and e.registrar_id = current_setting('app.registrar', true)
     and e.grams @> in_grams
   order by e.name_key, e.register_id, e.id
   limit least(in_limit, 200)
$$;
-- +goose StatementEnd
alter function search_entry_grams(text[], integer) owner to akashi_search;
revoke all on function search_entry_grams(text[], integer) from public;
grant execute on function search_entry_grams(text[], integer) to akashi_office;

-- +goose Down
drop function search_entry_grams(text[], integer);
drop table numbering, entry_history, entry, entry_move, entry_state;
