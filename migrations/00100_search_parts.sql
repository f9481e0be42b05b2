-- +goose Up
-- A part of a name was looked for in the index of the parts and, at the same time, in an index of everything that the
-- registrar keeps, because the planner takes a registrar for far smaller than the largest is: the search grew with the register and
-- not with what it found. The parts have the registrar before them already; the condition on the column stands so that no
-- index answers it. Nor are workers started for rows that the planner expects and that are not there.
-- +goose StatementBegin
create or replace function search_entry_grams(in_grams text[], in_name text, in_birth date, in_limit integer) returns setof entry
language sql stable security definer set search_path = public, pg_temp set max_parallel_workers_per_gather = 0 as $$
  select e.* from entry e
   where current_setting('app.door', true) = 'registrar'
     and e.registrar_id || '' = current_setting('app.registrar', true)
     and grams_of(e.registrar_id, e.grams) @> grams_of(current_setting('app.registrar', true), in_grams)
     and position(in_name in e.name_key) > 0
     and (in_birth is null or e.birth_date = in_birth)
   order by e.name_key, e.register_id, e.id
   limit least(in_limit, 200)
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
create or replace function search_entry_grams(in_grams text[], in_name text, in_birth date, in_limit integer) returns setof entry
language sql stable security definer set search_path = public, pg_temp as $$
  select e.* from entry e
   where current_setting('app.door', true) = 'registrar'
     and e.registrar_id = current_setting('app.registrar', true)
     and grams_of(e.registrar_id, e.grams) @> grams_of(current_setting('app.registrar', true), in_grams)
     and position(in_name in e.name_key) > 0
     and (in_birth is null or e.birth_date = in_birth)
   order by e.name_key, e.register_id, e.id
   limit least(in_limit, 200)
$$;
-- +goose StatementEnd
