#!/bin/sh
# Fetches the chart library of the dashboard, which is not in the repository. npm checks the hashes of the lock.
#
#   tools/fetch_chart_library.sh PATH_OF_NPM      from the root of the source tree
set -eu

npm=$1
dashboard=clients/hushpost_dashboard
vendor=$dashboard/static/vendor

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$dashboard/package.json" "$dashboard/package-lock.json" "$folder"
"$npm" --prefix "$folder" --no-audit --no-fund --no-update-notifier --loglevel=error \
  ci --ignore-scripts >/dev/null

modules=$folder/node_modules
mkdir -p "$vendor"
cp "$modules/chartjs-chart-error-bars/build/index.umd.min.js" "$vendor/error-bars.min.js"
cp "$modules/chartjs-chart-error-bars/LICENSE" "$vendor/error-bars.LICENSE"
cp "$modules/chart.js/LICENSE.md" "$vendor/chart.LICENSE"
cp "$modules/@kurkle/color/LICENSE.md" "$vendor/color.LICENSE"
# Last: make takes this file as the sign that all are there.
cp "$modules/chart.js/dist/chart.umd.min.js" "$vendor/chart.min.js"
