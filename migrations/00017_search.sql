-- +goose Up
-- The question's other conditions belong inside the search: a limit that is reached before they are asked drops the very
-- person that is looked for.
drop function search_entry_grams(text[], integer);
-- +goose StatementBegin
create function search_entry_grams(in_grams text[], in_name text, in_birth date, in_limit integer) returns setof entry
language sql stable security definer set search_path = public, pg_temp as $$
  select e.* from entry e
   where current_setting('app.door', true) = 'registrar'
     and e.registrar_id = current_setting('app.registrar', true)
     and e.grams @> in_grams
     and position(in_name in e.name_key) > 0
     and (in_birth is null or e.birth_date = in_birth)
   order by e.name_key, e.register_id, e.id
   limit least(in_limit, 200)
$$;
-- +goose StatementEnd
alter function search_entry_grams(text[], text, date, integer) owner to akashi_search;
revoke all on function search_entry_grams(text[], text, date, integer) from public;
grant execute on function search_entry_grams(text[], text, date, integer) to akashi_office;

-- +goose Down
drop function search_entry_grams(text[], text, date, integer);
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
