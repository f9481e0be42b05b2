-- +goose Up
create table registrar (
  id text constraint registrar_pkey primary key,
  kind text not null constraint registrar_kind check (kind in ('ministry', 'designated', 'prefecture', 'federation')),
  parent text,
  opened_on date not null,
  closed_on date
);
comment on table registrar is 'Bodies that keep registers (資格管理者): the tenants. Reference table, filled from qualifications/registrars.yaml.';

create table register (
  id text constraint register_pkey primary key,
  code text not null constraint register_code_unique unique constraint register_code_shape check (code ~ '^[A-Z0-9]{4}$'),
  qualification_id text not null,
  registrar_id text not null constraint register_registrar_fkey references registrar (id),
  opens_on date not null
);
comment on table register is 'A qualification at a registrar: the unit of ownership and of distribution. Reference table.';

create table definition (
  id text not null,
  version text not null,
  sha256 text not null,
  resolved bytea not null,
  loaded_at timestamptz not null,
  constraint definition_pkey primary key (id, version)
);
comment on table definition is 'Every version of every qualification definition that an application may be pinned to. Never changed, never removed.';

create table platform_setting (
  name text constraint platform_setting_pkey primary key,
  value text not null
);
comment on table platform_setting is 'Settings of one installation that must survive a restart, such as the offset of a demonstration''s clock.';

grant select on registrar, register, definition to akashi_citizen, akashi_office, akashi_public, akashi_worker;
grant insert, update on registrar, register to akashi_worker;
grant insert on definition to akashi_worker;
grant select, insert, update on platform_setting to akashi_worker;

-- +goose Down
drop table platform_setting;
drop table definition;
drop table register;
drop table registrar;
