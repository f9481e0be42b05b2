-- +goose Up
alter table registrar drop constraint registrar_kind;
alter table registrar add constraint registrar_kind
  check (kind in ('ministry', 'agency', 'designated', 'federation', 'prefecture', 'board', 'municipality', 'union', 'forwarding'));
alter table register alter column opens_on drop not null;

-- +goose Down
update register set opens_on = '9999-12-31' where opens_on is null;
alter table register alter column opens_on set not null;
update registrar set kind = 'designated' where kind in ('agency', 'union', 'forwarding');
update registrar set kind = 'prefecture' where kind in ('board', 'municipality');
alter table registrar drop constraint registrar_kind;
alter table registrar add constraint registrar_kind check (kind in ('ministry', 'designated', 'prefecture', 'federation'));
