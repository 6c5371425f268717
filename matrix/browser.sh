#!/bin/sh
# A browser on the page of `framewise check --listen`: `browser.sh NAME URL FOLDER`. The page ends the run, and the run the
# browser.
page="http://${2#ws://}/?agent=$1&stop"
profile="$3/profile"
mkdir -p "$profile"
case $1 in
chromium)
    exec chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$profile" "$page"
    ;;
firefox)
    # After a connection that failed, Firefox waits before it connects to the same server again: up to a minute.
    echo 'user_pref("network.websocket.delay-failed-reconnects", false);' >"$profile/user.js"
    exec firefox --headless --no-remote --profile "$profile" "$page"
    ;;
esac
