-- +goose Up
-- Keys with which this installation signs what it asks of wallets. The platform's own: no registrar's, so they stand apart from
-- signing_key. Written by the worker, which makes them; the page needs the certificate, the API the key behind it.
create table verifier_key (
  kid text constraint verifier_key_pkey primary key,
  chain bytea[] not null constraint verifier_key_chain check (cardinality(chain) > 0),
  not_before timestamptz not null
);
comment on table verifier_key is 'Certificates (DER, the key''s own first) by which wallets know who asks; the newest signs, an older one still answers for questions that name it.';
grant select on verifier_key to akashi_public, akashi_worker;
grant insert, update (chain) on verifier_key to akashi_worker;

-- Questions to wallets (OpenID4VP). A platform table: it belongs to neither register nor person, and joins with nothing.
create table presentation (
  id uuid constraint presentation_pkey primary key,
  stage text not null constraint presentation_stage check (stage in ('open', 'answered', 'declined')),
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  keep_until timestamptz not null,
  mode text not null constraint presentation_mode check (mode in ('direct_post', 'direct_post.jwt')),
  kid text not null constraint presentation_key references verifier_key (kid),
  client_id text not null,
  nonce text not null,
  state text not null,
  query jsonb not null,
  salt bytea not null constraint presentation_salt check (length(salt) = 32),
  page_key bytea not null constraint presentation_page_key check (length(page_key) = 65),
  page_hash bytea not null constraint presentation_page unique constraint presentation_page_hashed check (length(page_hash) = 32),
  same_hash bytea not null constraint presentation_same unique constraint presentation_same_hashed check (length(same_hash) = 32),
  cross_hash bytea not null constraint presentation_cross unique constraint presentation_cross_hashed check (length(cross_hash) = 32),
  code_hash bytea constraint presentation_code unique constraint presentation_code_hashed check (length(code_hash) = 32),
  attempts integer not null default 0,
  refusal text not null default '',
  sealed text not null default '',
  answered_at timestamptz,
  constraint presentation_answer check ((stage = 'open') = (answered_at is null) and (stage = 'answered') = (sealed <> ''))
);
comment on table presentation is
  'What wallets are asked, for some minutes. Secrets are stored as hashes; a result is encrypted to a key that only whoever asked, or came back from the wallet, can make. Rows are deleted by the worker after keep_until.';
create index presentation_over on presentation (keep_until);

alter table presentation enable row level security;
alter table presentation force row level security;
create policy presentation_asked on presentation to akashi_public
  using (current_setting('app.door', true) = 'public') with check (current_setting('app.door', true) = 'public');
create policy presentation_swept on presentation to akashi_worker using (true);
grant select, insert, update (stage, sealed, code_hash, answered_at, keep_until, refusal, attempts) on presentation to akashi_public;
grant select, delete on presentation to akashi_worker;

-- +goose Down
drop table presentation, verifier_key;
