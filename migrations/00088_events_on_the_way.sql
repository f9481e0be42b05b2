-- +goose Up
-- That a registry has answered, and how, is for the registrar: a body that only forwards a case sees neither the answer
-- (00085) nor the line of the timeline about it.
create policy answers_for_registrar on case_event as restrictive for select to akashi_office
  using (kind not like 'answered\_%' or current_setting('app.door', true) = 'registrar'
    or exists (select 1 from application a where a.register_id = case_event.register_id and a.id = case_event.application_id
      and a.registrar_id = current_setting('app.body', true) offset 0));

-- +goose Down
drop policy answers_for_registrar on case_event;
