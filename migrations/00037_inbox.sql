-- +goose Up
-- The inbox is read by deadline, whatever the state: one index in that order, without what is done. So a page costs the
-- same in a body with ten open cases and in one with a hundred thousand.
drop index work_item_inbox;
create index work_item_inbox on work_item (body_id, due, opened_at, id) where state <> 'done';
create index work_item_mine on work_item (body_id, assignee, due, opened_at, id) where assignee is not null and state <> 'done';

-- +goose Down
drop index work_item_mine;
drop index work_item_inbox;
create index work_item_inbox on work_item (body_id, state, due, opened_at, id);
