#!/bin/sh
# Redirects a machine's TCP connections to its sidecar, and removes the redirection. See docs/vm.md.
set -eu

usage() {
  cat <<'END'
usage: capture.sh install|check|remove|print [options]

  install   load the rules, in place of those of an earlier install
  check     tell whether the rules of `install` with the same options are in place (exit code 1: they are not)
  remove    take everything away that `install` did
  print     show what `install` would load; needs no root

  --uid USER                      the user that the sidecar runs as, name or number (1337)
  --gid GROUP                     the group that the sidecar runs as, name or number (1337)
  --control-plane-port PORTS      where binnacle listens, if on this machine (15010,15012)
  --exclude-inbound-ports PORTS   served without the sidecar, besides 22
  --exclude-outbound-ports PORTS  called without the sidecar
  --include-outbound-ranges NETS  the only addresses that are called through the sidecar (all)
  --exclude-outbound-ranges NETS  addresses that are called without the sidecar
  --mode redirect|tproxy          how inbound connections reach the sidecar (redirect); `binnacle bootstrap` needs the same
  --backend nft|iptables          the tool (nft if it is there, else iptables)
  --ipv6 on|off                   IPv6 too (on, if the machine has it); off: IPv6 passes by the sidecar

PORTS: 8080,9000-9010. NETS: 10.0.0.0/8,fd00::/8.
END
}

outbound=15001
inbound=15006
admin=15000

main() {
  command=${1:-}
  case $command in
    install | check | remove | print) shift ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  parse "$@"
  [ "$command" = print ] || need_root
  "do_$command"
}

fail() {
  echo "capture.sh: $1" >&2
  exit "${2:-2}"
}

has() { command -v "$1" >/dev/null 2>&1; }

need_root() { [ "$(id -u)" = 0 ] || fail "must run as root, as it changes the rules of the kernel's packet filter"; }

# ---- options

parse() {
  uid=1337 gid=1337 control=15010,15012 in_ports='' out_ports='' include='' exclude='' mode=redirect backend='' ipv6=''
  while [ $# -gt 0 ]; do
    option=$1 value=${2-}
    case $option in
      -h | --help) usage && exit 0 ;;
      --*=*) fail "write ${option%%=*} ${option#*=}" ;;
    esac
    [ $# -gt 1 ] || fail "$option: a value is missing, or the option is unknown (see --help)"
    shift 2
    case $option in
      --uid) uid=$value ;;
      --gid) gid=$value ;;
      --control-plane-port) control=$value ;;
      --exclude-inbound-ports) in_ports=$value ;;
      --exclude-outbound-ports) out_ports=$value ;;
      --include-outbound-ranges) include=$value ;;
      --exclude-outbound-ranges) exclude=$value ;;
      --mode) mode=$value ;;
      --backend) backend=$value ;;
      --ipv6) ipv6=$value ;;
      *) fail "unknown option $option (see --help)" ;;
    esac
  done
  uid=$(number_of "$uid" passwd --uid) || exit 2
  gid=$(number_of "$gid" group --gid) || exit 2
  is_one_of "$mode" redirect tproxy || fail "--mode must be redirect or tproxy, not \"$mode\""
  is_one_of "$backend" '' nft iptables || fail "--backend must be nft or iptables, not \"$backend\""
  is_one_of "$ipv6" '' on off || fail "--ipv6 must be on or off, not \"$ipv6\""
  for port in $(list "$control,$in_ports,$out_ports"); do check_port "$port"; done
  for net in $(list "$include,$exclude"); do check_net "$net"; done
}

list() { echo "$1" | tr ',' ' '; }

is_one_of() {
  wanted=$1
  shift
  for one; do [ "$one" = "$wanted" ] && return 0; done
  return 1
}

number_of() {
  case $1 in
    '' | *[!0-9]*) getent "$2" "$1" 2>/dev/null | cut -d: -f3 | grep . || fail "$3: there is no \"$1\" on this machine" ;;
    *) echo "$1" ;;
  esac
}

check_port() {
  for port in $(echo "$1" | tr '-' ' '); do
    case $port in *[!0-9]* | ??????*) fail "\"$1\" is no port and no range of ports" ;; esac
    { [ "$port" -ge 1 ] && [ "$port" -le 65535 ]; } || fail "\"$1\": ports are 1 to 65535"
  done
}

check_net() {
  case $1 in
    *[!0-9a-fA-F:./]*) fail "\"$1\" is no address and no range such as 10.0.0.0/8" ;;
    *.*.*.* | *:*) ;;
    *) fail "\"$1\" is no address and no range such as 10.0.0.0/8" ;;
  esac
}

# Checks for the required tools. `print` works on any machine.
choose_backend() {
  if [ -z "$backend" ]; then
    if has nft; then backend=nft; else backend=iptables; fi
  fi
  if [ -z "$ipv6" ]; then
    if grep -qs . /proc/net/if_inet6; then ipv6=on; else ipv6=off; fi
  fi
  [ "$command" = print ] && return
  if [ "$backend" = nft ]; then
    has nft || fail "nft is missing: install the package nftables"
  else
    has iptables || fail "nft and iptables are missing: install the package nftables, or iptables"
    [ "$ipv6" = off ] || has ip6tables || fail "ip6tables is missing: install it, or say --ipv6 off (IPv6 then passes by the sidecar)"
  fi
  [ "$ipv6" = off ] || has ip || fail "ip is missing: install the package iproute2, or say --ipv6 off (IPv6 then passes by the sidecar)"
}

families() { if [ "$ipv6" = on ]; then echo 4 6; else echo 4; fi; }

# Loopback addresses of a family, and the source address of the sidecar's connections to its workload.
loopback() { if [ "$1" = 4 ]; then echo 127.0.0.0/8; else echo ::1/128; fi; }
own_source() { if [ "$1" = 4 ]; then echo 127.0.0.6; else echo ::6; fi; }

nets_of() {
  for net in $(list "$2"); do
    case $1$net in 4*:*) ;; 6*:*) echo "$net" ;; 4*) echo "$net" ;; esac
  done
}

# Ports that are never captured inbound: SSH, the sidecar's own, and the control plane's.
kept_ports() { list "22,$admin,$outbound,$inbound,$control,$in_ports"; }

# ---- nft: one table for each family of addresses, replaced in one transaction

# Connections older than the rules are not redirected.
nft_not_new='tcp flags & (fin | syn | rst | ack) != syn'

nft_family() { if [ "$1" = 4 ]; then echo ip; else echo ip6; fi; }

nft_rules() {
  ip=$(nft_family "$1")
  cat <<END
table $ip binnacle {
  chain to_outbound {
    meta l4proto tcp redirect to :$outbound
  }
  chain to_inbound {
    meta l4proto tcp redirect to :$inbound
  }
  chain prerouting {
$(nft_prerouting "$ip")
  }
  chain output {
    type nat hook output priority -100; policy accept;
    meta l4proto != tcp return
    $nft_not_new return
    oifname "lo" $ip saddr $(own_source "$1") return comment "the sidecar calls its workload"
$(for port in $(list "$control"); do echo "    oifname \"lo\" tcp dport $port return"; done)
    oifname "lo" $ip daddr != $(loopback "$1") meta skuid $uid goto to_inbound
    oifname "lo" $ip daddr != $(loopback "$1") meta skgid $gid goto to_inbound
    oifname "lo" return
    meta skuid $uid return
    meta skgid $gid return
$(for port in $(list "$out_ports"); do echo "    tcp dport $port return"; done)
$(for net in $(nets_of "$1" "$exclude"); do echo "    $ip daddr $net return"; done)
$(nft_outbound "$1" "$ip")
  }
}
END
}

nft_prerouting() {
  if [ "$mode" = tproxy ]; then
    echo '    type filter hook prerouting priority -150; policy accept;'
    echo '    iifname "lo" return'
  else
    echo '    type nat hook prerouting priority -100; policy accept;'
  fi
  echo '    meta l4proto != tcp return'
  echo "    $nft_not_new return"
  echo '    fib daddr type != local return comment "what is forwarded is not this machine'"'"'s"'
  for port in $(kept_ports); do echo "    tcp dport $port return"; done
  if [ "$mode" = tproxy ]; then echo "    meta l4proto tcp tproxy to :$inbound accept"; else echo '    goto to_inbound'; fi
}

nft_outbound() {
  if [ -z "$include" ]; then
    echo '    goto to_outbound'
  else
    for net in $(nets_of "$1" "$include"); do echo "    $2 daddr $net goto to_outbound"; done
  fi
}

# Prints the table without empty lines. The comment of its first rule lists the options.
nft_table() {
  text=$(nft_rules "$1" | grep .)
  mark="binnacle $(echo "$text" | cksum | tr ' ' '-')"
  echo "$text" | sed "s/^    meta l4proto != tcp return\$/& comment \"$mark\"/"
}

# Loads a table. With `--check` after the family, loads nothing.
nft_install() {
  ip=$(nft_family "$1")
  { echo "table $ip binnacle" && echo "delete table $ip binnacle" && nft_table "$1"; } | nft ${2:+"$2"} -f -
}

nft_test() { nft_install "$1" --check; }

nft_remove() {
  ip=$(nft_family "$1")
  { echo "table $ip binnacle" && echo "delete table $ip binnacle"; } | nft -f -
}

nft_is_there() { nft list table "$(nft_family "$1")" binnacle >/dev/null 2>&1; }

# Checks that each rule exists and that the marks match these options.
nft_is_right() {
  want=$(nft_table "$1")
  have=$(nft list table "$(nft_family "$1")" binnacle 2>/dev/null) || return 1
  mark=$(echo "$want" | grep -o 'binnacle [0-9][0-9-]*' | head -n 1)
  [ "$(echo "$have" | grep -c "$mark")" = 2 ] && [ "$(nft_count "$want")" = "$(nft_count "$have")" ]
}

nft_count() { echo "$1" | grep -cE '(return|goto|redirect|accept)( |$)' || true; }

# ---- iptables: separate chains, each table filled in one transaction, and a rule that jumps to each chain

ipt() {
  if [ "$1" = 4 ]; then tool=iptables; else tool=ip6tables; fi
  shift
  "$tool" -w "$@"
}

# Prints lines for iptables-restore, one table.
ipt_nat() {
  net=$(loopback "$1")
  owner="-m owner --uid-owner $uid"
  group="-m owner --gid-owner $gid"
  echo '*nat'
  echo ':BINNACLE_PREROUTING - [0:0]'
  echo ':BINNACLE_OUTPUT - [0:0]'
  [ "$mode" = tproxy ] || ipt_prerouting BINNACLE_PREROUTING "REDIRECT --to-ports $inbound"
  echo '-A BINNACLE_OUTPUT -p tcp ! --syn -j RETURN'
  echo "-A BINNACLE_OUTPUT -o lo -s $(own_source "$1") -j RETURN"
  for port in $(list "$control"); do echo "-A BINNACLE_OUTPUT -o lo -p tcp --dport $(range "$port") -j RETURN"; done
  for who in "$owner" "$group"; do
    echo "-A BINNACLE_OUTPUT -o lo ! -d $net -p tcp $who -j REDIRECT --to-ports $inbound"
  done
  echo '-A BINNACLE_OUTPUT -o lo -j RETURN'
  for who in "$owner" "$group"; do echo "-A BINNACLE_OUTPUT $who -j RETURN"; done
  for port in $(list "$out_ports"); do echo "-A BINNACLE_OUTPUT -p tcp --dport $(range "$port") -j RETURN"; done
  for net in $(nets_of "$1" "$exclude"); do echo "-A BINNACLE_OUTPUT -d $net -j RETURN"; done
  if [ -z "$include" ]; then
    echo "-A BINNACLE_OUTPUT -p tcp -j REDIRECT --to-ports $outbound"
  else
    for net in $(nets_of "$1" "$include"); do
      echo "-A BINNACLE_OUTPUT -d $net -p tcp -j REDIRECT --to-ports $outbound"
    done
  fi
  echo COMMIT
}

ipt_mangle() {
  [ "$mode" = tproxy ] || return 0
  echo '*mangle'
  echo ':BINNACLE_TPROXY - [0:0]'
  echo '-A BINNACLE_TPROXY -i lo -j RETURN'
  ipt_prerouting BINNACLE_TPROXY "TPROXY --on-port $inbound"
  echo COMMIT
}

ipt_prerouting() {
  echo "-A $1 -p tcp ! --syn -j RETURN" # connections older than the rules are not redirected
  echo "-A $1 -m addrtype ! --dst-type LOCAL -j RETURN"
  for port in $(kept_ports); do echo "-A $1 -p tcp --dport $(range "$port") -j RETURN"; done
  echo "-A $1 -p tcp -j $2"
}

range() { echo "$1" | tr '-' ':'; }

# Tables, our chains, and the built-in chains that jump to them.
ipt_jumps() {
  echo nat PREROUTING BINNACLE_PREROUTING
  echo nat OUTPUT BINNACLE_OUTPUT
  [ "$mode" = redirect ] || echo mangle PREROUTING BINNACLE_TPROXY
}

ipt_restore() {
  if [ "$1" = 4 ]; then restore=iptables-restore; else restore=ip6tables-restore; fi
  { ipt_nat "$1" && ipt_mangle "$1"; } | "$restore" -w --noflush ${2:+"$2"}
}

ipt_test() { ipt_restore "$1" --test; }

ipt_install() {
  [ "$mode" = tproxy ] || ipt_drop "$1" mangle PREROUTING BINNACLE_TPROXY
  ipt_restore "$1" || return 1
  ipt_jumps | while read -r table hook chain; do
    ipt "$1" -t "$table" -C "$hook" -p tcp -j "$chain" 2>/dev/null || ipt "$1" -t "$table" -A "$hook" -p tcp -j "$chain" || exit 1
  done
}

ipt_remove() {
  ipt_drop "$1" nat PREROUTING BINNACLE_PREROUTING
  ipt_drop "$1" nat OUTPUT BINNACLE_OUTPUT
  ipt_drop "$1" mangle PREROUTING BINNACLE_TPROXY
}

ipt_drop() {
  while ipt "$1" -t "$2" -D "$3" -p tcp -j "$4" 2>/dev/null; do :; done
  ipt "$1" -t "$2" -F "$4" 2>/dev/null || true
  ipt "$1" -t "$2" -X "$4" 2>/dev/null || true
}

ipt_is_there() { ipt "$1" -t nat -S BINNACLE_OUTPUT >/dev/null 2>&1; }

ipt_is_right() {
  ipt_jumps | while read -r table hook chain; do
    ipt "$1" -t "$table" -C "$hook" -p tcp -j "$chain" 2>/dev/null || exit 1
  done || return 1
  ipt_has_all "$1" nat "$(ipt_nat "$1")" && ipt_has_all "$1" mangle "$(ipt_mangle "$1")"
}

# Checks that exactly these rules exist.
ipt_has_all() {
  echo "$3" | grep '^-A' | while read -r _ chain rule; do
    # shellcheck disable=SC2086 # a rule is words
    ipt "$1" -t "$2" -C "$chain" $rule 2>/dev/null || exit 1
  done || return 1
  for chain in $(echo "$3" | sed -n 's/^:\([A-Z_]*\) .*/\1/p'); do
    want=$(echo "$3" | grep -c "^-A $chain " || true)
    [ "$(ipt "$1" -t "$2" -S "$chain" | grep -c '^-A' || true)" = "$want" ] || return 1
  done
}

# ---- commands

# Envoy connects from ::6 even if it could not bind to it. The address exempts such a connection from redirection.
own_ipv6() { ip -6 addr "$1" ::6/128 dev lo 2>/dev/null; }

do_print() {
  choose_backend
  for family in $(families); do
    if [ "$backend" = nft ]; then nft_table "$family"; else ipt_nat "$family" && ipt_mangle "$family"; fi
  done
  if [ "$ipv6" = on ]; then echo '# and: ip -6 addr replace ::6/128 dev lo'; fi
}

do_install() {
  choose_backend
  if [ "$backend" = nft ]; then try=nft_test load=nft_install other=ipt_remove; else try=ipt_test load=ipt_install other=nft_remove; fi
  for family in $(families); do "$try" "$family" || fail "IPv$family: the rules are refused (see above); nothing was changed" 1; done
  if [ "$ipv6" = on ]; then own_ipv6 replace || fail "::6 cannot be added to lo: is IPv6 on? Else say --ipv6 off" 1; fi
  for family in $(families); do
    "$load" "$family" || {
      refused=$family
      remove_all
      fail "IPv$refused: the rules could not be loaded (see above); nothing is captured" 1
    }
  done
  [ "$ipv6" = on ] || remove_family 6
  for family in 4 6; do remove_by "$other" "$family"; done
  echo "captured by $backend: IPv$(families | sed 's/ / and IPv/'), inbound by $mode"
  tell_of_proxy
}

do_check() {
  choose_backend
  if [ "$backend" = nft ]; then right=nft_is_right there=nft_is_there; else right=ipt_is_right there=ipt_is_there; fi
  code=0
  for family in $(families); do
    if "$right" "$family"; then
      echo "IPv$family: in place ($backend, $mode)"
    elif "$there" "$family"; then
      echo "IPv$family: other rules than these options make ($backend)" && code=1
    else
      echo "IPv$family: not captured ($backend)" && code=1
    fi
  done
  if [ "$ipv6" = on ] && ! ip -6 addr show dev lo | grep -q 'inet6 ::6/128'; then
    echo 'IPv6: ::6 is not on lo: the sidecar would call itself' && code=1
  fi
  tell_of_proxy
  exit $code
}

do_remove() {
  has nft || has iptables || fail "nft and iptables are missing: what is captured cannot be told, nor removed"
  remove_all
  for family in 4 6; do
    if { has nft && nft_is_there $family; } || { has iptables && has ip6tables && ipt_is_there $family; }; then
      fail "IPv$family: rules are left (see nft list ruleset, iptables -t nat -S)" 1
    fi
  done
  echo 'nothing is captured'
}

remove_all() {
  for family in 4 6; do remove_family "$family"; done
}

remove_family() {
  remove_by nft_remove "$1"
  remove_by ipt_remove "$1"
  if [ "$1" = 6 ] && has ip; then own_ipv6 del || true; fi
}

# Removes rules that may not exist, with a tool that may not be installed.
remove_by() {
  case $1$2 in
    nft*) has nft || return 0 ;;
    ipt*4) has iptables || return 0 ;;
    ipt*6) has ip6tables || return 0 ;;
  esac
  "$1" "$2" 2>/dev/null || true
}

tell_of_proxy() {
  for port in $outbound $inbound; do
    is_listening "$port" || echo "warning: nothing listens on $port: what is captured fails until the sidecar does" >&2
  done
}

is_listening() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '{ print $2, $4 }' | grep -qi ":$(printf %X "$1") 0A\$"
}

main "$@"
