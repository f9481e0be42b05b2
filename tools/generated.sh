#!/bin/bash
# Checks that the generated files in the tree are what their sources give: templ's Go files, and the style sheet when the
# Node packages of web/ are there (make css brings them). It works on copies and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
stale=0

# differs compares a generated file with the one in the tree.
differs() {
	if ! cmp -s "$1" "$2"; then
		echo "$2 is not what its source gives: run make $3" >&2
		stale=1
	fi
}

templ=$(go tool -n -modfile=tools/go.mod templ)
while IFS= read -r source; do
	mkdir -p "$scratch/$(dirname "$source")"
	cp "$source" "$scratch/$source"
done < <(git ls-files -co --exclude-standard '*.templ')
cp go.mod "$scratch/"
(cd "$scratch" && "$templ" generate -include-version=false -log-level error >/dev/null)
while IFS= read -r made; do
	differs "$scratch/$made" "$made" generate
done < <(cd "$scratch" && find . -name '*_templ.go' | sed 's|^\./||')

css=internal/portal/ui/static/app.css
if [ -x web/node_modules/.bin/tailwindcss ]; then
	(cd web && node_modules/.bin/tailwindcss -i css/app.css -o "$scratch/app.css" --minify >/dev/null 2>&1)
	differs "$scratch/app.css" "$css" css
	for made in internal/portal/ui/static/zxing-wasm-*/zxing_reader.wasm; do
		differs web/node_modules/zxing-wasm/dist/reader/zxing_reader.wasm "$made" css
	done
elif [ -e "$css" ]; then
	echo "The style sheet was not compared: web/node_modules is not there (make web-packages brings it, with Node 20 or newer)."
fi
exit $stale
