package audit

import (
	"strings"
	"sync"
)

// Act names a thing that can happen, in the form "subject.verb".
type Act string

// What can happen. Each has its sentence in Acts.
const (
	PersonLogin     Act = "person.login"
	PersonLogout    Act = "person.logout"
	PersonCardCheck Act = "person.card_check"
	PersonStopCode  Act = "person.stop_code"
	PersonRefused   Act = "person.refused"
	StaffLogin      Act = "staff.login"
	StaffLogout     Act = "staff.logout"
	StaffStepUp     Act = "staff.step_up"
	StaffRefused    Act = "staff.refused"
	RoleGrant       Act = "role.grant"
	RoleWithdraw    Act = "role.withdraw"

	ApplicationStart    Act = "application.start"
	ApplicationView     Act = "application.view"
	ApplicationSave     Act = "application.save"
	ApplicationSign     Act = "application.sign"
	ApplicationSubmit   Act = "application.submit"
	ApplicationCorrect  Act = "application.correct"
	ApplicationWithdraw Act = "application.withdraw"
	ApplicationExpire   Act = "application.expire"
	PaperBegin          Act = "paper.begin"
	PaperView           Act = "paper.view"
	PaperSave           Act = "paper.save"
	PaperFreeze         Act = "paper.freeze"
	PaperEnter          Act = "paper.enter"
	PaperCorrect        Act = "paper.correct"
	PaperWithdraw       Act = "paper.withdraw"
	EvidenceAdd         Act = "evidence.add"
	EvidenceRemove      Act = "evidence.remove"
	EvidenceView        Act = "evidence.view"

	ResidentAsk Act = "resident.ask"
	FamilyAsk   Act = "family.ask"

	PaymentStart  Act = "payment.start"
	PaymentSettle Act = "payment.settle"
	PaymentCancel Act = "payment.cancel"
	PaymentRefund Act = "payment.refund"

	CaseReceive           Act = "case.receive"
	CaseList              Act = "case.list"
	CaseView              Act = "case.view"
	CaseClaim             Act = "case.claim"
	CaseRelease           Act = "case.release"
	CaseCheck             Act = "case.check"
	CaseNote              Act = "case.note"
	CaseRequestCorrection Act = "case.request_correction"
	CaseForward           Act = "case.forward"
	CasePropose           Act = "case.propose"
	CaseReturn            Act = "case.return"
	CaseApprove           Act = "case.approve"
	CaseReject            Act = "case.reject"
	CaseReverse           Act = "case.reverse"

	RegisterSearch Act = "register.search"
	EntryView      Act = "entry.view"
	EntryCreate    Act = "entry.create"
	EntryChange    Act = "entry.change"
	EntrySuspend   Act = "entry.suspend"
	EntryRestore   Act = "entry.restore"
	EntryRevoke    Act = "entry.revoke"
	EntryCancel    Act = "entry.cancel"
	EntryLink      Act = "entry.link"
	EntryAttest    Act = "entry.attest"

	CredentialIssue    Act = "credential.issue"
	CredentialDownload Act = "credential.download"
	CredentialHandOut  Act = "credential.hand_out"
	CredentialCopy     Act = "credential.copy"
	CredentialRenew    Act = "credential.renew"
	CredentialReissue  Act = "credential.reissue"
	CredentialSuspend  Act = "credential.suspend"
	CredentialRestore  Act = "credential.restore"
	CredentialRevoke   Act = "credential.revoke"
	CredentialCheck    Act = "credential.check"
	StatusPublish      Act = "status.publish"

	WalletOffer        Act = "wallet.offer"
	WalletConsent      Act = "wallet.consent"
	WalletToken        Act = "wallet.token"
	WalletNotify       Act = "wallet.notify"
	WalletEnd          Act = "wallet.end"
	DefinitionLoad     Act = "definition.load"
	DefinitionPropose  Act = "definition.propose"
	DefinitionApprove  Act = "definition.approve"
	DefinitionRefuse   Act = "definition.refuse"
	DefinitionWithdraw Act = "definition.withdraw"
	DefinitionRecall   Act = "definition.recall"

	RolloutPropose  Act = "rollout.propose"
	RolloutApprove  Act = "rollout.approve"
	RolloutRefuse   Act = "rollout.refuse"
	RolloutWithdraw Act = "rollout.withdraw"

	RelyingRegister Act = "relying.register"
	RelyingKey      Act = "relying.key"
	RelyingClose    Act = "relying.close"
	RelyingBulk     Act = "relying.bulk"
	RelyingAsk      Act = "relying.ask"
	RelyingGrant    Act = "relying.grant"
	RelyingRefuse   Act = "relying.refuse"
	RelyingEnd      Act = "relying.end"
	RelyingNotify   Act = "relying.notify"

	NoticeSend Act = "notice.send"
	AuditView  Act = "audit.view"
	AuditProve Act = "audit.prove"
)

// Entry of the table of acts.
type ActInfo struct {
	Act      Act
	Sentence string // what happened, for whoever reads the code
	Looked   bool   // somebody saw the person's data and changed nothing
}

// Key returns the message of the catalogue that tells the act to a visitor.
func (i ActInfo) Key() string { return "audit.act." + strings.ReplaceAll(string(i.Act), ".", "_") }

// Acts returns the table of everything that can be recorded, in a case's order.
func Acts() []ActInfo {
	return []ActInfo{
		{PersonLogin, "A person logged in with the national ID card.", false},
		{PersonLogout, "A person logged out.", false},
		{PersonCardCheck, "A person tried whether their card can sign.", false},
		{PersonStopCode, "A person made a code that stops their credentials without a login.", false},
		{PersonRefused, "A person asked for something that is not theirs or does not exist.", false},
		{StaffLogin, "A member of staff logged in.", false},
		{StaffLogout, "A member of staff logged out.", false},
		{StaffStepUp, "A member of staff confirmed the login with a second factor.", false},
		{StaffRefused, "A member of staff was refused an act that their roles do not permit.", false},
		{RoleGrant, "A role at a body was given to a member of staff.", false},
		{RoleWithdraw, "A role at a body was taken from a member of staff.", false},

		{ApplicationStart, "The person began an application.", false},
		{ApplicationView, "The person looked at their own application.", true},
		{ApplicationSave, "The person saved a page of the form.", false},
		{ApplicationSign, "The person signed the content with their card.", false},
		{ApplicationSubmit, "The person submitted the application.", false},
		{ApplicationCorrect, "The person submitted a correction.", false},
		{ApplicationWithdraw, "The person withdrew the application.", false},
		{ApplicationExpire, "An unfinished application was dropped after its time.", false},
		{PaperBegin, "Staff began to enter an application that came on paper.", false},
		{PaperView, "Staff opened an application on paper that is being entered.", true},
		{PaperSave, "Staff saved a page of an application on paper.", false},
		{PaperFreeze, "Staff checked the content of an application on paper.", false},
		{PaperEnter, "Staff entered an application that came on paper.", false},
		{PaperCorrect, "Staff entered a correction that came on paper.", false},
		{PaperWithdraw, "Staff gave up an entry of a paper, or entered that the application was withdrawn on paper.", false},
		{EvidenceAdd, "A document was handed in.", false},
		{EvidenceRemove, "A document was taken back before submission.", false},
		{EvidenceView, "A document of the case was opened.", true},

		{ResidentAsk, "The resident registry was asked for the person's record.", true},
		{FamilyAsk, "The family register was asked for the person's record.", true},

		{PaymentStart, "A payment was asked for.", false},
		{PaymentSettle, "The payment arrived.", false},
		{PaymentCancel, "The payment was cancelled before it was made.", false},
		{PaymentRefund, "The payment was returned.", false},

		{CaseReceive, "A case reached the body that must act.", false},
		{CaseList, "Staff looked at the list of cases.", true},
		{CaseView, "Staff opened the case.", true},
		{CaseClaim, "Staff took the case on.", false},
		{CaseRelease, "Staff gave the case back to the others.", false},
		{CaseCheck, "An item of the case was checked.", true},
		{CaseNote, "Staff wrote a note on the case.", false},
		{CaseRequestCorrection, "Staff asked for a correction of named items.", false},
		{CaseForward, "The case was passed on to another body.", false},
		{CasePropose, "A reviewer proposed a decision.", false},
		{CaseReturn, "The second person sent the proposal back.", false},
		{CaseApprove, "The second person approved the application.", false},
		{CaseReject, "The second person rejected the application.", false},
		{CaseReverse, "A decision was reversed.", false},

		{RegisterSearch, "Staff searched the register.", true},
		{EntryView, "An entry of the register was opened.", true},
		{EntryCreate, "An entry was made in the register.", false},
		{EntryChange, "An entry of the register was changed.", false},
		{EntrySuspend, "An entry was suspended.", false},
		{EntryRestore, "A suspended entry was restored.", false},
		{EntryRevoke, "An entry was revoked.", false},
		{EntryCancel, "An entry was cancelled.", false},
		{EntryLink, "An entry was tied to the person's login.", false},
		{EntryAttest, "Number and state of an entry were told to another registrar, on the holder's application there.", true},

		{CredentialIssue, "A digital credential was issued.", false},
		{CredentialDownload, "The holder fetched the credential.", false},
		{CredentialHandOut, "Staff opened the credential of an entry that nobody has linked, to print it and hand it out.", true},
		{CredentialCopy, "The credential was signed in another form for its holder.", false},
		{CredentialRenew, "A signed PDF of the credential got a new timestamp.", false},
		{CredentialReissue, "The holder had a new credential made in place of all earlier ones.", false},
		{CredentialSuspend, "A credential was suspended.", false},
		{CredentialRestore, "A suspended credential was restored.", false},
		{CredentialRevoke, "A credential was revoked.", false},
		{CredentialCheck, "Somebody checked the credential.", true},
		{StatusPublish, "A list of the status of credentials was signed and published.", false},

		{WalletOffer, "The holder offered a credential to a wallet.", false},
		{WalletConsent, "The holder agreed to what a wallet asked for.", false},
		{WalletToken, "A wallet was given access to a credential.", false},
		{WalletNotify, "A wallet told what became of the copies that it was given.", false},
		{WalletEnd, "A wallet's access to a credential ended.", false},
		{DefinitionLoad, "An author loaded the text of a definition.", false},
		{DefinitionPropose, "An author proposed a version of a definition.", false},
		{DefinitionApprove, "A second person approved a version of a definition.", false},
		{DefinitionRefuse, "A second person refused a version of a definition.", false},
		{DefinitionWithdraw, "An author took the text of a definition back.", false},
		{DefinitionRecall, "An approved version of a definition was called back before its day.", false},

		{RolloutPropose, "Staff proposed from when a procedure is open, or by which way it goes.", false},
		{RolloutApprove, "The second person approved such a proposal.", false},
		{RolloutRefuse, "The second person refused such a proposal.", false},
		{RolloutWithdraw, "Whoever made such a proposal took it back.", false},

		{RelyingRegister, "A verifier was registered.", false},
		{RelyingKey, "A registered verifier was given a key.", false},
		{RelyingClose, "A registered verifier or one of its keys was ended.", false},
		{RelyingBulk, "A registered verifier had many credentials checked that it was shown.", false},
		{RelyingAsk, "A registered verifier asked to be told of changes of a credential's status.", false},
		{RelyingGrant, "The holder agreed that a verifier is told of changes.", false},
		{RelyingRefuse, "The holder did not agree that a verifier is told of changes.", false},
		{RelyingEnd, "A verifier is no longer told of changes.", false},
		{RelyingNotify, "A registered verifier was told of a change of a credential's status.", true},

		{NoticeSend, "A notice was sent to the person.", false},
		{AuditView, "Somebody looked at this log.", true},
		{AuditProve, "A proof from this log was handed out.", false},
	}
}

var byAct = sync.OnceValue(func() map[Act]ActInfo {
	all := map[Act]ActInfo{}
	for _, info := range Acts() {
		all[info.Act] = info
	}
	return all
})

// Lookup finds an act in the table.
func Lookup(act Act) (ActInfo, bool) {
	info, known := byAct()[act]
	return info, known
}
