-- +goose Up
-- Keys for more than the QR code's signature: status lists, documents and mdocs, each apart, with the X.509 chain by which
-- programs that know nothing of us can find who signed. The old program writes purpose 'credential' and no chain.
alter table signing_key drop constraint signing_key_purpose;
alter table signing_key add constraint signing_key_purpose check (purpose in ('credential', 'status', 'document', 'mdoc'));
alter table signing_key add column chain bytea[] not null default '{}';
comment on column signing_key.chain is 'X.509 certificates in DER, the key''s own first; empty while it has none.';
create index signing_key_use on signing_key (registrar_id, purpose, not_before desc);

-- What a credential says beside the texts of its QR code, frozen with them: wordings in English, the definition's version.
alter table credential add column detail jsonb not null default '{}';

create table status_list (
  register_id text not null,
  list_no integer not null constraint status_list_no check (list_no > 0),
  opened_at timestamptz not null,
  full_at timestamptz,
  constraint status_list_pkey primary key (register_id, list_no)
);
comment on table status_list is 'Status lists of a register. Slots are drawn from the newest that is not full; values are never kept here. Names nobody.';
grant select on status_list to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant insert on status_list to akashi_citizen, akashi_worker;

create table credential_copy (
  register_id text not null,
  id uuid not null,
  credential_id uuid not null,
  registrar_id text not null,
  person_ref uuid,
  form text not null constraint credential_copy_form check (form in ('qr-compact', 'qr-screen', 'pdf', 'sdjwt', 'mdoc', 'vc')),
  fields text[] not null,
  kid text not null constraint credential_copy_kid_fkey references signing_key (kid),
  digest bytea not null constraint credential_copy_digest check (length(digest) = 32),
  to_sign bytea,
  signature bytea,
  holder_key text not null default '',
  intended_at timestamptz not null,
  signed_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  constraint credential_copy_pkey primary key (register_id, id),
  constraint credential_copy_credential_fkey foreign key (register_id, credential_id) references credential (register_id, id),
  constraint credential_copy_signed check (signature is null or signed_at is not null)
);
create index credential_copy_credential on credential_copy (register_id, credential_id, intended_at desc);
comment on table credential_copy is 'Signed renderings of a credential beside its own QR code: what was to be signed is recorded before it is signed (SHA-256, and the bytes where they are shown again). A copy has no status of its own but its end; all else is the credential''s.';

create table status_slot (
  register_id text not null,
  list_no integer not null,
  idx integer not null constraint status_slot_idx check (idx >= 0 and idx < 1048576),
  registrar_id text not null,
  credential_id uuid not null,
  copy_id uuid not null,
  constraint status_slot_drawn primary key (register_id, list_no, idx),
  constraint status_slot_copy_once unique (register_id, copy_id),
  constraint status_slot_copy_fkey foreign key (register_id, copy_id) references credential_copy (register_id, id),
  constraint status_slot_list_fkey foreign key (register_id, list_no) references status_list (register_id, list_no)
);
create index status_slot_credential on status_slot (register_id, credential_id);
comment on table status_slot is 'Which place of which status list belongs to which copy: drawn at random, never used again. The value is computed from the credential''s state when a list is published, never kept.';

alter table credential_copy enable row level security;
alter table credential_copy force row level security;
alter table status_slot enable row level security;
alter table status_slot force row level security;
create policy registrar on credential_copy to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy person on credential_copy to akashi_citizen
  using (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid)
  with check (current_setting('app.door', true) = 'person' and person_ref = nullif(current_setting('app.person_ref', true), '')::uuid);
create policy public_status on credential_copy for select to akashi_public
  using (current_setting('app.door', true) = 'public');
create policy registrar on status_slot to akashi_office, akashi_worker
  using (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true))
  with check (current_setting('app.door', true) = 'registrar' and registrar_id = current_setting('app.registrar', true));
create policy taken on status_slot for select to akashi_citizen using (current_setting('app.door', true) = 'person');
create policy person on status_slot for insert to akashi_citizen
  with check (exists (select 1 from credential_copy c where c.register_id = status_slot.register_id and c.id = status_slot.copy_id
    and c.credential_id = status_slot.credential_id and c.registrar_id = status_slot.registrar_id offset 0));
create policy public_status on status_slot for select to akashi_public
  using (current_setting('app.door', true) = 'public');
grant select, insert on credential_copy to akashi_citizen, akashi_worker;
grant select on credential_copy to akashi_office;
grant update (signature, signed_at, ended_at) on credential_copy to akashi_citizen, akashi_worker;
grant update (ended_at) on credential_copy to akashi_office;
grant select (register_id, id, credential_id, registrar_id, form, kid, signed_at, expires_at, ended_at) on credential_copy to akashi_public;
grant insert on status_slot to akashi_citizen, akashi_worker;
grant select (register_id, list_no, idx) on status_slot to akashi_citizen; -- which places are taken, not whose they are
grant select on status_slot to akashi_office, akashi_worker, akashi_public;
grant select (id) on credential to akashi_public; -- joins a copy with its credential

-- +goose Down
drop table status_slot, credential_copy, status_list;
revoke select (id) on credential from akashi_public;
alter table credential drop column detail;
drop index signing_key_use;
alter table signing_key drop column chain;
delete from signing_key where purpose <> 'credential';
alter table signing_key drop constraint signing_key_purpose;
alter table signing_key add constraint signing_key_purpose check (purpose in ('credential'));
