-- +goose Up
-- The PDF of a credential: asked for by its holder, made and signed by a job. What it is of, and whether it may be handed
-- out, is the copy's and the credential's affair; here stands what the holder is told while it is being made.
create table credential_document (
  register_id text not null,
  id uuid not null,
  registrar_id text not null,
  credential_id uuid not null,
  person_ref uuid not null,
  asked_at timestamptz not null,
  copy_id uuid,
  sha256 text constraint credential_document_digest check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint,
  made_at timestamptz,
  failure text not null default '',
  constraint credential_document_pkey primary key (register_id, id),
  constraint credential_document_credential_fkey foreign key (register_id, credential_id) references credential (register_id, id),
  constraint credential_document_copy_fkey foreign key (register_id, copy_id) references credential_copy (register_id, id),
  constraint credential_document_made check ((made_at is null) = (sha256 is null) and (made_at is null) = (size is null) and (made_at is null) = (copy_id is null)),
  constraint credential_document_failed check (made_at is null or failure = '')
);
create unique index credential_document_open on credential_document (register_id, credential_id) where made_at is null and failure = '';
create index credential_document_newest on credential_document (register_id, credential_id, asked_at desc);
comment on table credential_document is 'PDF copies of credentials: asked for, made (the file by its SHA-256), or not to be made and why (key of a message).';

alter table credential_document enable row level security;
alter table credential_document force row level security;
create policy registrar on credential_document to akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on credential_document for select to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy person_asks on credential_document for insert to akashi_citizen
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid
    and exists (select 1 from credential c where c.register_id = credential_document.register_id and c.id = credential_document.credential_id
      and c.registrar_id = credential_document.registrar_id offset 0));
grant select on credential_document to akashi_citizen, akashi_worker;
grant insert (register_id, id, registrar_id, credential_id, person_ref, asked_at) on credential_document to akashi_citizen;
grant update (copy_id, sha256, size, made_at, failure) on credential_document to akashi_worker;

-- +goose Down
drop table credential_document;
