// Command akashi is the whole program: the portals, the worker, the schema's migrations, the qualification definitions,
// the simulators of outside systems and the demonstration, as commands of one binary.
//
//	akashi migrate --bootstrap    make roles and schema, once and at each upgrade
//	akashi --help                 every command with its settings
//
// Each command is a struct in a file of its own, with the settings it takes as tagged fields and a method
// Run(*Globals) error, or Run(context.Context, *Globals) error when it can be interrupted. To add one, give CLI a field; its tag
// "without" names the shared settings that it does not use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"akashi/internal/fault"
	"akashi/internal/server"
)

// CLI is the command line: what every command shares, and the commands.
type CLI struct {
	Globals

	Demo          DemoCmd          `cmd:"" without:"database" help:"Try it out: everything on this machine, with invented people and simulated outside systems."`
	Serve         ServeCmd         `cmd:"" help:"Run the portals, the API and the worker."`
	Migrate       MigrateCmd       `cmd:"" without:"token" help:"Bring the database to this program's schema."`
	Qualification QualificationCmd `cmd:"" without:"data-dir,database,token" help:"List, show and check the definitions of qualifications."`
	Verify        VerifyCmd        `cmd:"" without:"data-dir,database,token,log" help:"Check a digital credential. Exit code 0 valid, 1 not valid, 2 cannot tell."`
	Credential    CredentialCmd    `cmd:"" without:"token" help:"What is done to credentials beside the portals."`
	Verifier      VerifierCmd      `cmd:"" without:"token" help:"Register bodies that check credentials by programs, and give them keys."`
	Keys          KeysCmd          `cmd:"" help:"Work on the registrars' signing keys."`
	Simulate      SimulateCmd      `cmd:"" without:"database,token" help:"Run only the simulated outside systems."`
	Bench         BenchCmd         `cmd:"" without:"data-dir,database,token" help:"Measure the program against its aims, on a fresh private database."`

	Version kong.VersionFlag `env:"-" help:"Print the version and stop."`
}

// Exit codes. Scripts may rely on them. The command verify has its own, see there.
const (
	exitOK     = 0
	exitFailed = 1 // something went wrong, here or outside
	exitUsage  = 2 // what was given must be changed: an argument, a setting, a file
	exitNo     = 3 // the question was answered, and the answer is no (lint: findings)
)

// errNo is what a command returns that has printed a negative answer: nothing more is said, and the exit code is 3.
var errNo = errors.New("the answer is no")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run reads the arguments, runs the command and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	ctx, cancel := server.UntilStopped(context.Background())
	defer cancel()
	// Kong ends the program for --help and --version from inside; the panic carries its code out to here.
	defer func() {
		if p := recover(); p != nil {
			asked, ok := p.(exitAsked)
			if !ok {
				panic(p)
			}
			code = int(asked)
		}
	}()
	var cli CLI
	parser, err := newParser(ctx, &cli, stdout, stderr)
	if err != nil {
		return complain(stderr, err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "akashi: %v\nakashi --help lists the commands and settings.\n", err)
		return exitUsage
	}
	cli.prepare(stdout, stderr)
	return complain(stderr, command.Run(&cli.Globals))
}

type exitAsked int

func newParser(ctx context.Context, cli *CLI, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(cli,
		kong.Name("akashi"),
		kong.Description("Professional qualifications of Japan: apply, decide, register, certify, verify."),
		kong.Vars{"version": version()},
		kong.DefaultEnvars("AKASHI"),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitAsked(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

// help leaves out of a command's help the shared settings that it does not use: those that the tag "without" of the command or of one
// above it names, by their name or by what its name begins with. They can be given all the same, since a file of the environment serves all
// commands.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	var unused []string
	for n := ctx.Selected(); n != nil && n.Tag != nil; n = n.Parent {
		unused = append(unused, strings.Split(n.Tag.Get("without"), ",")...)
	}
	for _, f := range ctx.Model.Flags {
		f.Hidden = slices.ContainsFunc(unused, func(name string) bool { return name != "" && (f.Name == name || strings.HasPrefix(f.Name, name+"-")) })
	}
	return kong.DefaultHelpPrinter(o, ctx)
}

// complain prints err for the operator, without a stack, and says how the program ends.
func complain(stderr io.Writer, err error) int {
	var own *exitWith
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNo):
		return exitNo
	case errors.As(err, &own) && own.err == nil:
		return own.code
	}
	fmt.Fprintf(stderr, "akashi: %s\n", words(err))
	if own != nil {
		return own.code
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound:
		return exitUsage
	}
	return exitFailed
}

// words leaves out the kind of a classified error: it is for programs.
func words(err error) string {
	var e *fault.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	plain := strings.TrimSuffix(e.Error(), " ("+string(e.Kind)+")")
	return strings.Replace(err.Error(), e.Error(), plain, 1)
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "akashi (unknown build)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return fmt.Sprintf("akashi %.12s, %s", s.Value, info.GoVersion)
		}
	}
	return fmt.Sprintf("akashi %s, %s", info.Main.Version, info.GoVersion)
}
