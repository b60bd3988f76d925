#!/bin/sh
# Makes lightspeed-sync-lambda.zip: the storefront and the packages it needs, for AWS Lambda on x86_64 (ARCH=aarch64: on arm64).
#
# Run it from a checkout, with the Python that the function will run on: PYTHON=python3.13 deploy/lambda/package.sh
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
arch=${ARCH:-x86_64}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the lock names beside these is the daemon's own: its commands, its channels, its schedule.
needed="mangum psycopg psycopg-binary typing-extensions sqlalchemy pydantic pydantic-core annotated-types \
typing-inspection msgspec rapidfuzz structlog starlette anyio idna tzdata"
"$python" - "$needed" >"$work/needed.txt" <<'PY'
import re, sys
wanted = set(sys.argv[1].split())
entries = re.split(r"^(?=[a-z])", open("requirements-runtime.lock", encoding="utf-8").read(), flags=re.MULTILINE)
print("".join(entry for entry in entries if re.split(r"[\[=]", entry)[0] in wanted))
PY
"$python" -m pip install --quiet --require-hashes --no-deps --only-binary :all: --target "$work/function" \
    --platform "manylinux_2_28_$arch" --platform "manylinux_2_17_$arch" --platform "manylinux2014_$arch" \
    --python-version "$version" -r "$work/needed.txt"
cp -R sync "$work/function/sync"
# Compiled here, as a function cannot keep what it compiles; by content, since an archive keeps no exact times.
find "$work/function" -name '__pycache__' -type d -prune -exec rm -rf {} +
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$work/function" || true
rm -f lightspeed-sync-lambda.zip
(cd "$work/function" && "$python" -m zipfile -c "$OLDPWD/lightspeed-sync-lambda.zip" ./*)
echo "lightspeed-sync-lambda.zip: handler sync.storefront.aws.handler, runtime python$version, $arch"
