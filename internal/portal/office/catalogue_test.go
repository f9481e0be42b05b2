package office

import (
	"regexp"
	"strings"
	"testing"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/authoring"
	"akashi/internal/credential"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/rollout"
)

// TestCatalogue: every wording is there in three languages, and every key that the pages or the stages behind them use.
func TestCatalogue(t *testing.T) {
	c := uitest.Catalogue(t, Text, fill.Text)
	uitest.CheckCatalogue(t, c, ".", "../fill", "../../review", "../../registry", "../../account", "../../rollout", "../../authoring")
	uitest.CheckFaults(t, c)
	for _, key := range composed() {
		if !c.Has(key) {
			t.Errorf("the catalogue has no %q", key)
		}
	}
}

// composed lists the keys that are put together at run time, from the tables of the stages.
func composed() []string {
	var keys []string
	add := func(prefix string, values ...string) {
		for _, v := range values {
			keys = append(keys, prefix+v)
		}
	}
	for _, s := range application.States {
		add("state.", string(s))
	}
	for _, s := range authoring.States {
		add("definition.state.", string(s))
	}
	for _, verb := range []string{"propose", "withdraw", "approve", "refuse", "recall"} {
		add("definition.done.", verb)
	}
	for _, part := range application.NoteParts {
		add("handover.part.", part)
		add("handover.hint.", part)
	}
	add("passed.standing.", review.Standings...)
	add("handover.result.", application.PartOK, application.PartRemark)
	for _, s := range []string{"registered", "suspended", "revoked", "cancelled", "expired"} {
		add("base.state.", s)
	}
	for _, s := range registry.States {
		add("entry.", string(s))
	}
	for _, s := range credential.States {
		add("credential.", string(s))
	}
	for _, s := range payment.States {
		add("payment.", string(s))
	}
	for _, info := range audit.Acts() {
		add("act.", string(info.Act))
	}
	for t := person.Exact; t <= person.Different; t++ {
		add("tier.", t.String())
	}
	add("purpose.", registry.Purposes...)
	add("result.", string(review.None), string(review.Pass), string(review.Attention), string(review.Fail), string(review.Pending))
	add("entry_act.", string(registry.ActRegister), string(registry.ActChange), string(registry.ActReissue), string(registry.ActCancel),
		string(registry.ActLink), string(registry.ActSuspend), string(registry.ActRevoke), string(registry.ActRestore), string(registry.ActLapse))
	for _, prefix := range []string{"measure.", "measure.do.", "measure.title.", "measure.effect.", "measure.button."} {
		add(prefix, review.MeasureSuspend, review.MeasureRevoke, review.MeasureRestore)
	}
	add("section.", caseSections(caseView{Rounds: 2, Corrections: make([]correctionView, 1), Decisions: make([]decisionRow, 1)})...)
	add("finding.", codes...)
	for _, kind := range rollout.Kinds {
		for _, prefix := range []string{"rollout.kind.", "rollout.propose.", "rollout.title.", "rollout.lead.", "rollout.effect."} {
			add(prefix, string(kind))
		}
	}
	for _, s := range rollout.States {
		add("rollout.state.", string(s))
	}
	add("standing.", "open", "planned", "closed", "undecided")
	add("standing.day.", "open", "planned", "closed")
	add("rollout.scope.all.", "open", "close", "switch", "unswitch", "use", "unuse")
	add("function.", qualification.Functions...)
	add("function.hint.", qualification.Functions...)
	add("rollout.done.", "approve", "refuse", "withdraw")
	add("rollout.fault.", "kind", "reason", "decision_reason", "date_past", "channel", "procedure", "no_bodies", "bodies", "recall_unknown", "functions")
	return keys
}

// codes are the findings of package review and registry.
var codes = strings.Fields(`not_signed signature_holds signer_differs not_asked asked not_answered resident_matches resident_differs
	resident_deceased resident_none resident_multiple resident_withheld resident_refused resident_match_removed_abroad
	resident_match_removed_other family_matches family_differs family_partly_unknown_order
	family_partly_unknown_before_computerisation family_none family_multiple family_error family_refused no_passer_list passer_found
	passer_missing nothing_to_pay paid not_paid document_missing document_not_needed document_to_read base_not_linked
	base_held base_suspended base_revoked base_cancelled base_expired human entry_none entry_exists
	entry_alike entry_missing entry_ended entry_suspended entry_held entry_held_by_other entry_matches entry_differs`)

// TestCodesAreThoseOfTheStages: a finding that a stage names literally has its wording here.
func TestCodesAreThoseOfTheStages(t *testing.T) {
	c := uitest.Catalogue(t, Text)
	literal := regexp.MustCompile(`Code: "([a-z_]+)"|found\([^"]*"([a-z_]+)", "([a-z_]+)"\)|judged\(rows, "([a-z_]+)", "([a-z_]+)"\)`)
	for _, file := range []string{"../../review/review.go", "../../registry/examine.go"} {
		for _, m := range literal.FindAllStringSubmatch(readFile(t, file), -1) {
			for _, code := range m[1:] {
				if code != "" && code != "resident_" && code != "family_" && code != "base_" && !c.Has("finding."+code) {
					t.Errorf("%s finds %q, for which the catalogue has no words", file, code)
				}
			}
		}
	}
}
