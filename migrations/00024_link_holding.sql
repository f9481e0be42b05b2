-- +goose Up
-- Says whether the entry is held by the person behind the reference when it is done: false when nobody has that reference, which
-- the caller must not pass over.
-- +goose StatementBegin
create or replace function link_holding(in_ref uuid, in_register text, in_entry uuid, in_at timestamptz) returns boolean
language sql security definer set search_path = public as $$
  with linked as (
    insert into holding (person_id, register_id, entry_id, person_ref, linked_at)
    select a.person_id, in_register, in_entry, in_ref, in_at
      from person_application a
     where a.person_ref = in_ref
       and in_ref = nullif(current_setting('app.person_ref', true), '')::uuid
       and current_setting('app.door', true) in ('registrar', 'body')
     limit 1
    on conflict on constraint holding_pkey do nothing
    returning true
  )
  select exists (select 1 from linked)
      or exists (select 1 from holding h where h.person_ref = in_ref and h.register_id = in_register and h.entry_id = in_entry
           and in_ref = nullif(current_setting('app.person_ref', true), '')::uuid
           and current_setting('app.door', true) in ('registrar', 'body'))
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
create or replace function link_holding(in_ref uuid, in_register text, in_entry uuid, in_at timestamptz) returns boolean
language sql security definer set search_path = public as $$
  insert into holding (person_id, register_id, entry_id, person_ref, linked_at)
  select a.person_id, in_register, in_entry, in_ref, in_at
    from person_application a
   where a.person_ref = in_ref
     and in_ref = nullif(current_setting('app.person_ref', true), '')::uuid
     and current_setting('app.door', true) in ('registrar', 'body')
   limit 1
  on conflict on constraint holding_pkey do nothing
  returning true
$$;
-- +goose StatementEnd
