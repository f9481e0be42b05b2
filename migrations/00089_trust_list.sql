-- +goose Up
-- The trust list: who signs what with which keys, as it was signed. Nothing that names a person.
create table trust_list (
  version bigint constraint trust_list_pkey primary key constraint trust_list_version check (version > 0),
  content bytea not null constraint trust_list_content check (length(content) = 32),
  kid text not null,
  token text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null constraint trust_list_term check (expires_at > issued_at)
);
comment on table trust_list is 'Published trust lists as they were signed; never changed. The highest version is the current one. content is the SHA-256 of what the list says, without its version and times. What it says follows from signing_key and status_list and is never decided here.';
grant select on trust_list to akashi_public, akashi_worker;
grant insert, delete on trust_list to akashi_worker;

-- +goose Down
drop table trust_list;
