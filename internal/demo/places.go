package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"

	"akashi/internal/fault"
	"akashi/internal/govsim/world"
	"akashi/internal/pg"
	"akashi/internal/system"
)

// count is how many ports a demonstration takes in a row.
const count = 11

// DefaultBase is the first port of a demonstration.
const DefaultBase = 8400

// places are the addresses of a demonstration: one loopback address and one port for each portal and simulator, counted
// from a base port. Cookies ignore ports, so that portals on one address would get each other's.
type places struct{ base int }

// at is the address of the n-th place.
func (p places) at(n, host int) string { return fmt.Sprintf("127.0.0.%d:%d", host, p.base+n) }

func (p places) citizen() string { return p.at(0, 1) }
func (p places) office() string  { return p.at(1, 2) }
func (p places) public() string  { return p.at(2, 3) }
func (p places) api() string     { return p.at(3, 4) }
func (p places) start() string   { return p.at(4, 5) }

// simulators are the places of the outside systems.
func (p places) simulators() world.Addresses {
	return world.Addresses{Login: p.at(5, 6), Staff: p.at(6, 7), Resident: p.at(7, 8), Family: p.at(8, 8), Payment: p.at(9, 9), Timestamp: p.at(10, 9)}
}

// all lists every place, and beside each its door for /healthz on 127.0.0.1.
func (p places) all() []string {
	s := p.simulators()
	list := []string{p.citizen(), p.office(), p.public(), p.api(), p.start(), s.Login, s.Staff, s.Resident, s.Family, s.Payment, s.Timestamp}
	for n := range count {
		if n > 0 {
			list = append(list, p.at(n, 1))
		}
	}
	return list
}

// system are the places of the portals, as the system wants them.
func (p places) system() map[system.Part]system.Address {
	made := map[system.Part]system.Address{}
	for part, at := range map[system.Part]string{system.Citizen: p.citizen(), system.Office: p.office(), system.Public: p.public(), system.API: p.api()} {
		made[part] = system.Address{Listen: at, Origin: "http://" + at}
	}
	return made
}

// findPlaces returns the places from a base port, or from one where all are free when base is 0. Somebody may take one
// before we do; the start then fails and says so.
func findPlaces(base int) (places, error) {
	if last := 65535 - count + 1; base < 0 || base > last {
		return places{}, fault.New(fault.Invalid, "", fmt.Sprintf("--base-port is a number from 1 to %d, or 0 for free ports", last))
	}
	if base != 0 {
		return places{base}, nil
	}
	// Linux hands out ports from 32768 on by itself: one found free there may be taken a moment later.
	const first, last, tries = 20000, 32700, 50
	for range tries {
		p := places{first + rand.N((last-first)/count)*count}
		err := p.free()
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return places{}, err
		}
	}
	return places{}, errors.New("finding eleven free ports in a row: none found")
}

func (p places) free() error {
	for _, at := range p.all() {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("trying %s: %w", at, err)
		}
		if err := l.Close(); err != nil {
			return fmt.Errorf("trying %s: %w", at, err)
		}
	}
	return nil
}

// Place is a part of a demonstration that a browser can open.
type Place string

// The places.
const (
	CitizenPortal Place = "citizen"
	OfficePortal  Place = "office"
	PublicPortal  Place = "public"
	API           Place = "api"
	StartPage     Place = "start"
)

// URL is how a browser reaches a place, without a slash at the end.
func (d *Demo) URL(p Place) string {
	at := map[Place]string{CitizenPortal: d.places.citizen(), OfficePortal: d.places.office(), PublicPortal: d.places.public(),
		API: d.places.api(), StartPage: d.places.start()}[p]
	return "http://" + at
}

// Addresses lists every address that answers /healthz, as host:port.
func (d *Demo) Addresses() []string { return d.places.all() }

// Open opens the demonstration's database under one of the program's roles, for tests and the benchmark. It is closed
// when the demonstration stops.
func (d *Demo) Open(ctx context.Context, role string) (*pg.DB, error) { return d.db.As(ctx, role, 4) }
