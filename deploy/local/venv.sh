#!/bin/sh
# Makes the virtual environment in the folder $1 with a Python of 3.11 or newer.
# PYTHON chooses the interpreter. On Debian `venv` is a package of its own: root gets it installed,
# everybody else is told.
set -eu

folder=$1
if [ -x "$folder/bin/python" ] && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi

is_recent() {
  command -v "$1" >/dev/null 2>&1 &&
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  if is_recent "$candidate"; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "uHub needs Python 3.11 or newer; set PYTHON to one." >&2
  exit 1
fi

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    sh "$(dirname "$0")/packages.sh" "$package"
  else
    echo "$python has no venv module. On Debian and Ubuntu: apt-get install $package" >&2
    exit 1
  fi
fi

echo "making $folder with $("$python" --version)"
"$python" -m venv "$folder" || {
  rm -rf "$folder"
  exit 1
}
