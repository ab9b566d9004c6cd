#!/usr/bin/env bash
# What `make up` does, by hand, as somebody would who is good at it: every step starts the moment what it needs is ready, and
# steps that do not need each other run at the same time.
#
#   by_hand.sh up FOLDER         everything; with the operator when FOLDER has one
#   by_hand.sh operator FOLDER   External Secrets Operator only
#
# FOLDER is what bench/manifests.py writes. KUBECONFIG, VAULT_ADDR and VAULT_TOKEN say where to. Each line printed is a step:
# when it began and when it ended, in milliseconds, and what it was.
set -euo pipefail
what=$1
cd "$2"
. ./names.sh

now() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
begin=$(now)

step() {
  local name=$1 start
  shift
  start=$(now)
  "$@" >/dev/null
  printf '%7d %7d  %s\n' $((start - begin)) $(($(now) - begin)) "$name"
}

apply() { step "apply $1" kubectl apply -f "$1.json"; }
ready() { step "ready $1" kubectl wait --for=condition=Ready -f "$1.json" --timeout=2m; }
complete() { step "complete $1" kubectl wait --for=condition=Complete -f "$1.json" --timeout=15m; }
rollout() { step "rollout $1" kubectl rollout status "$1" -n "$NAMESPACE" --timeout=10m; }

operator() {
  apply external-secrets-namespace
  step 'helm install' helm install "${HELM[@]}" --values operator-values.json --wait --atomic --timeout 5m
}

document() {
  step "document $1" vault kv put -mount="$MOUNT" "$PREFIX/$1" "@documents/$1.json"
  step "owner of $1" vault kv metadata put -mount="$MOUNT" -custom-metadata="managed-by=$OWNER" "$PREFIX/$1"
}

documents() {
  local file pid pids=()
  [[ -n $SHARED ]] || step 'secrets engine' vault secrets enable -path="$MOUNT" -version=2 kv
  step 'salt key' vault kv put -mount="$MOUNT" -cas=0 "$PREFIX/salt" @salt.json &
  pids+=($!)
  for file in documents/*.json; do
    document "$(basename "$file" .json)" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}

login() {
  if [[ -z $SHARED ]]; then
    step 'auth method' vault auth enable -path="$AUTH" kubernetes
    step 'auth config' vault write "auth/$AUTH/config" @auth-config.json
  fi
  [[ -z $ROLE ]] || step 'auth role' vault write "auth/$AUTH/role/$ROLE" @auth-role.json
}

postgres() {
  ready external-secrets/postgres-admin
  apply postgres
  rollout statefulset/postgres
}

redis() {
  ready external-secrets/redis-config
  apply redis
  rollout deployment/redis
}

up() {
  local operator='' documents policy login postgres role environment redis
  documents & documents=$!
  { [[ -z $POLICY ]] || step policy vault policy write "$POLICY" policy.hcl; } & policy=$!
  login & login=$!
  if [[ -f operator-values.json ]]; then operator & operator=$!; fi
  apply namespace
  if [[ -f limits.json ]]; then apply limits; fi
  apply secret-store
  wait "$documents"
  wait "$policy"
  wait "$login"
  [[ -z $operator ]] || wait "$operator"

  apply store
  ready store
  apply_synced
  postgres & postgres=$!
  redis & redis=$!
  ready external-secrets/postgres-role & role=$!
  ready external-secrets/litellm-env & environment=$!

  wait "$postgres"
  wait "$role"
  apply database-bootstrap
  complete database-bootstrap
  wait "$environment"
  apply litellm-migration
  complete litellm-migration
  wait "$redis"
  apply litellm
  rollout deployment/litellm
  apply litellm-ingress
}

apply_synced() { step 'apply external-secrets' kubectl apply -f external-secrets/; }

"$what"
