# Sourced by scripts at the root of the tree, after the installation. Through sudo, only that is
# root's: what a plain user's clone builds and runs stays the user's, or it could not be built again
# without sudo. Starts the script anew as that user; does nothing otherwise.
if [ "$(id -u)" -eq 0 ] && [ "${SUDO_UID:-0}" -ne 0 ] && [ "$(stat -c %u .)" = "$SUDO_UID" ]; then
        [ ! -d build ] || chown -R "$SUDO_UID:$SUDO_GID" build # of runs as root, and of installing
        home=$(getent passwd "$SUDO_UID" | cut -d: -f6)
        exec setpriv --reuid="$SUDO_UID" --regid="$SUDO_GID" --clear-groups \
                env -u SUDO_UID HOME="${home:-/}" USER="$SUDO_USER" LOGNAME="$SUDO_USER" \
                "./scripts/$(basename "$0")" "$@"
fi
