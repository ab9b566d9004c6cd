#!/bin/sh
# Fetches secrets of AWS Secrets Manager with the AWS CLI, as whoever the pod is: a file for each, called like its number.
#
#   fetch.sh SECRETS FOLDER
#
# SECRETS has their names or ARNs, one a line.
set -eu
umask 077
folder=$2 number=0
mkdir -p "$folder"
while read -r secret; do
  aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text > "$folder/$number" < /dev/null || {
    echo "fetch: secret $secret could not be read: is it there, and may this pod's role read it?" >&2
    exit 1
  }
  number=$((number + 1))
done < "$1"
