#!/bin/sh
# Types of the installed wheel and of the tests, and which room imports which: the editable
# finder hides what a wheel lacks, and import-linter does not see through it.
# Called by `make types` with the Python of the environment.
set -eu
python=$1
site=build/wheel
rm -rf "$site" build/lib build/bdist.* && mkdir -p "$site"
"$python" -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w build/dist . 2> build/wheel.log || { cat build/wheel.log; exit 1; }
wheel=$(ls -t build/dist/*.whl | head -n 1)
"$python" -m zipfile -e "$wheel" "$site"
MYPYPATH="$site" "$python" -m mypy --no-error-summary --explicit-package-bases -p clusterloom
(cd "$site" && PYTHONPATH=. "$OLDPWD/${python%python}lint-imports" --config "$OLDPWD/pyproject.toml" --no-cache > ../imports.log) || { cat build/imports.log; exit 1; }
MYPYPATH="$site:tests" "$python" -m mypy --no-error-summary --namespace-packages --explicit-package-bases tests bench
