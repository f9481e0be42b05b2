-- +goose Up
-- The route that a case takes is chosen when it is handed in and stays with it: a switch or a new version that comes later
-- concerns later cases alone.
alter table application add column route jsonb;
comment on column application.route is 'Steps of the route chosen at the submission, as qualification.Route; null before it.';

-- +goose Down
alter table application drop column route;
