-- +goose Up
-- The revocation list of an issuing authority of our own, as it was signed: evidence that signed PDFs carry. The worker writes it,
-- everybody may read it. Nothing that names a person.
create table revocation_list (
  issuer text not null,
  certificate bytea not null,
  number bigint not null,
  der bytea not null,
  revoked text[] not null,
  made_at timestamptz not null,
  next_at timestamptz not null,
  constraint revocation_list_pkey primary key (issuer)
);
comment on table revocation_list is 'The newest revocation list (RFC 5280 §5) of each issuing authority of our own, by SHA-256 of its certificate; revoked are the ids of the keys on it. What is revoked follows from signing_key.distrusted_at and is never decided here.';
grant select on revocation_list to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant insert, update on revocation_list to akashi_worker;

-- Whoever verifies a PDF compares what it signs with the record of what was to be signed.
grant select (digest) on credential_copy to akashi_public;

-- +goose Down
revoke select (digest) on credential_copy from akashi_public;
drop table revocation_list;
