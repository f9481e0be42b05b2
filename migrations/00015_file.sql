-- +goose Up
create table stored_file (
  sha256 text constraint stored_file_pkey primary key constraint stored_file_digest check (sha256 ~ '^[0-9a-f]{64}$'),
  uses integer not null constraint stored_file_uses check (uses >= 0),
  changed_at timestamptz not null
);
create index stored_file_unused on stored_file (changed_at) where uses = 0;
comment on table stored_file is 'How many documents of cases each stored content serves; a content that serves none is deleted. Platform table: digests only.';
grant select, insert, update on stored_file to akashi_citizen, akashi_worker;
grant delete on stored_file to akashi_worker;
grant delete on upload to akashi_worker;

-- +goose Down
revoke delete on upload from akashi_worker;
drop table stored_file;
