#!/usr/bin/env bash
# Comments on a pull request what it changes in the results; a later run edits the comment. The token of a fork's pull
# request may not comment: then the summary of the job has the table.
set -euo pipefail
cd "$(dirname "$0")/.."
text=$(mktemp)
trap 'rm -f "$text"' EXIT
{
  printf '### Results, against %s\n\n' "${BASE:-origin/main}"
  cat reports/effect.md
  [[ -z ${RUN_URL:-} ]] || printf '\n%s\n' "$RUN_URL"
} >"$text"
if ! gh pr comment "${PULL_REQUEST:?is the number of the pull request}" --edit-last --create-if-none --body-file "$text"; then
  echo "no comment could be written, as from a fork; the table is in the summary of this job" >&2
  cat "$text" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
fi
