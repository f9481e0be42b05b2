package system

import (
	"context"
	"time"

	"akashi/internal/application"
	"akashi/internal/connector/family"
	"akashi/internal/connector/resident"
	"akashi/internal/fault"
	"akashi/internal/job"
)

// longestPoll is how long at most a question waits for a registry that takes its time, whatever it asks for: the wait is
// the machine's time, and a clock that is moved on must not leave a case behind.
const longestPoll = 5 * time.Minute

// askResident asks the resident registry for the stages. The answer's class and characters are passed on as they came.
func askResident(c *resident.Client) application.Ask {
	return func(ctx context.Context, q application.Question) (application.Reply, error) {
		who := q.Particulars
		r, err := c.Inquire(ctx, resident.Inquiry{RequestID: q.RequestID.String(), BusinessID: q.Business, Purpose: q.Purpose,
			Name: who.Name.Full(), BirthDate: who.BirthDate, Sex: who.Sex, Address: who.Address})
		if err != nil {
			return application.Reply{}, err
		}
		reply := application.Reply{Class: r.Answer.Class(), Source: "resident-registry " + r.InquiryID, At: r.AnsweredAt}
		if record, ok := resident.RecordOf(r.Answer); ok {
			reply.Record = filled(map[string]string{"name": record.Name, "kana": record.Kana, "former_name": record.FormerName,
				"birth_date": record.BirthDate.String(), "sex": string(record.Sex), "address": record.Address})
		}
		return reply, nil
	}
}

// askFamily asks the family register for the stages. An answer that takes its time makes the job come back later, which
// is no failure (job.Snooze). Only a determined answer has a domicile: from the others nobody can read the present one.
func askFamily(c *family.Client) application.Ask {
	return func(ctx context.Context, q application.Question) (application.Reply, error) {
		who := q.Particulars
		r, err := c.Inquire(ctx, family.Inquiry{RequestID: q.RequestID.String(), BusinessID: q.Business, Purpose: q.Purpose,
			Name: who.Name.Full(), BirthDate: who.BirthDate, Sex: who.Sex})
		if err != nil {
			return application.Reply{}, err
		}
		switch a := r.Answer.(type) {
		case family.Pending:
			return application.Reply{}, job.Snooze(min(a.After, longestPoll))
		case family.Errored:
			return application.Reply{}, fault.New(fault.Upstream, "", "the family register answers with error "+a.Code)
		}
		reply := application.Reply{Class: r.Answer.Class(), Source: "family-register " + r.InquiryID, At: r.AnsweredAt}
		if record, ok := family.RecordOf(r.Answer); ok {
			reply.Record = filled(map[string]string{"name": record.Name})
		}
		if d, ok := r.Answer.(family.Determined); ok {
			reply.Record["domicile"] = d.Domicile.Prefecture
		}
		return reply, nil
	}
}

// filled leaves the empty values out: what a registry did not say is not there.
func filled(m map[string]string) map[string]string {
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
	return m
}
