# Thin names for `cargo xtask`, which needs nothing installed first.

# Lists the recipes.
default:
    @just --list --unsorted

# Builds Larder and runs it with the demo shop.
up *arguments:
    cargo xtask up -- {{arguments}}

# Runs the tests, or those whose names hold one of the given parts.
test *arguments:
    cargo xtask test {{arguments}}

# Breaks the database of a whole stack, and sees that it is told and heals.
test-stack:
    cargo xtask test-stack

# The same with the shipped images and compose files, as containers; as root.
test-containers *arguments:
    cargo xtask test-containers {{arguments}}

# Runs any command beside a throw-away PostgreSQL and Redis.
with-servers +command:
    cargo xtask with-servers -- {{command}}

# Formats everything.
fmt:
    cargo fmt --all

# rustfmt and clippy, warnings are errors.
lint:
    cargo xtask lint

# The rules of the house that no compiler knows.
tidy:
    cargo xtask tidy

# Licences, banned crates and sources of all dependencies.
deny:
    cargo xtask deny

# Writes generated files anew.
gen:
    cargo xtask gen

# Writes what the database says of each query into .sqlx/.
prepare *arguments:
    cargo xtask prepare {{arguments}}

# Measures.
bench *arguments:
    cargo xtask bench {{arguments}}

# Everything that must be green.
ci:
    cargo xtask ci
