package fill

import (
	"slices"

	"akashi/internal/application"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// Tasks are the parts of the form that are open now, each with how far it is.
func Tasks(page *ui.Page, v *application.View, base string) ([]ui.Task, error) {
	groups, err := v.Groups()
	if err != nil {
		return nil, err
	}
	var out []ui.Task
	for _, g := range groups {
		state, err := groupState(v, g)
		if err != nil {
			return nil, err
		}
		out = append(out, ui.Task{Text: page.Text(g.Title), Path: GroupPath(base, g.ID), State: state})
	}
	needed, missing, err := DocumentsNow(v)
	if err != nil {
		return nil, err
	}
	if len(needed) > 0 {
		t := ui.Task{Text: page.R("documents.title"), Path: DocumentsPath(base), State: ui.TaskDone}
		if missing > 0 {
			t.State = ui.TaskTodo
			if v.Correction() != nil {
				t.State = ui.TaskAsked
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// groupState tells how far a page of the form is: complete once it was sent and holds no problem. A page whose values
// are all official counts only after the applicant has looked at it and confirmed.
func groupState(v *application.View, g *qualification.Group) (ui.TaskState, error) {
	answers, problems, err := v.Procedure.Validate(g, v.Case.Answers, v.Facts)
	if err != nil {
		return "", err
	}
	if v.Correction() != nil {
		return correctionState(v, g, answers, problems)
	}
	sent := slices.ContainsFunc(g.Fields, func(f qualification.Field) bool {
		_, saved := v.Case.Answers.Values[f.Keys()[0]]
		return saved
	})
	untouched := v.Procedure.Prefill(g, qualification.Answers{}, v.Facts).Raw
	typed := slices.ContainsFunc(g.Fields, func(f qualification.Field) bool {
		return slices.ContainsFunc(f.Inputs(), func(input string) bool { return v.Case.Answers.Raw[input] != untouched[input] })
	})
	switch {
	case sent && len(problems) == 0:
		return ui.TaskDone, nil
	case sent || typed:
		return ui.TaskStarted, nil
	}
	return ui.TaskTodo, nil
}

// correctionState is groupState for a page that a correction opens: complete once a value asked for differs from the one
// that was signed last.
func correctionState(v *application.View, g *qualification.Group, answers qualification.Answers, problems []qualification.Problem) (ui.TaskState, error) {
	before, err := LastAnswers(v)
	if err != nil || len(problems) > 0 {
		return ui.TaskStarted, err
	}
	for _, f := range g.Fields {
		if !v.MayEdit(f.ID) {
			continue
		}
		for _, key := range f.Keys() {
			if answers.Values[key] != before[key] {
				return ui.TaskDone, nil
			}
		}
	}
	return ui.TaskAsked, nil
}
