// Package archtest keeps the order of the packages. It has no code of its own, only tests that read the source:
//
//   - every package stands in the list below, and imports only what stands on lines above its own;
//   - wire formats are pure: no database, no network, no files, and of ours the kinds of error alone;
//   - connectors and simulators are wired by the commands; no stage or portal imports one;
//   - time comes from internal/clock, and nothing runs before main.
//
// Data travels from a citizen's form to a verifier's answer; imports point the other way. A later stage reads what an
// earlier one published, and an earlier one has never heard of the later. When this test refuses an import, the usual
// remedy is to declare the interface that is needed, where it is needed, and to let cmd/akashi hand in what satisfies it.
package archtest
