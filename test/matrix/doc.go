// Package matrix tries every route of the four portals as everybody who has no business there: another citizen, staff of
// another registrar, of a prefecture and of a forwarding body, staff whose role is too small, a login of the other portal,
// nobody at all. The ids in the addresses and forms are real ones of other people, in every state of a case.
//
// The routes are read from the portals themselves. Each has a line in the table of its portal that says what must become of
// it; a route without a line fails the test, and so does a line without a route. Whatever the answer is, it must not have
// changed a row, nor show anything of the others, and a refusal must be on record.
package matrix
