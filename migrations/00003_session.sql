-- +goose Up
create table session (
    portal     text        not null,
    token_hash bytea       not null,
    data       bytea       not null,
    expires_at timestamptz not null,
    constraint session_pkey primary key (portal, token_hash),
    constraint session_portal_known check (portal in ('citizen', 'office')),
    constraint session_token_is_hashed check (octet_length(token_hash) = 32)
);
comment on table session is
    'Sessions of the portals, by the SHA-256 of their token. A platform table: it belongs to neither register nor person. Ended sessions are purged by the worker.';
create index session_expiry on session (portal, expires_at);

-- Each portal has its own role, and sees its own sessions only; the worker may purge.
alter table session enable row level security;
alter table session force row level security;
create policy session_of_citizen on session to akashi_citizen using (portal = 'citizen') with check (portal = 'citizen');
create policy session_of_office on session to akashi_office using (portal = 'office') with check (portal = 'office');
create policy session_purge on session to akashi_worker using (true);
grant select, insert, update, delete on session to akashi_citizen, akashi_office;
grant select, delete on session to akashi_worker;

-- +goose Down
drop table session;
