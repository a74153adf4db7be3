# Counts UDP datagrams for the tests of network topologies.
#
#   datagrams.pl receive PORT COUNT        says "ready", then "MESSAGE from ADDRESS" for each of COUNT datagrams
#   datagrams.pl send ADDRESS PORT COUNT   sends COUNT datagrams, each saying its number from 1 on

use strict;
use warnings;
use Socket qw(AF_INET SOCK_DGRAM INADDR_ANY inet_aton inet_ntoa pack_sockaddr_in unpack_sockaddr_in);

$| = 1;
my ($task, @arguments) = @ARGV;
socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";

if ($task eq "receive") {
  my ($port, $count) = @arguments;
  bind($socket, pack_sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
  print "ready\n";
  for (1 .. $count) {
    my $from = recv($socket, my $message, 1500, 0) // die "recv: $!";
    print "$message from ", inet_ntoa((unpack_sockaddr_in($from))[1]), "\n";
  }
} else {
  my ($address, $port, $count) = @arguments;
  my $to = pack_sockaddr_in($port, inet_aton($address));
  for my $number (1 .. $count) {
    send($socket, $number, 0, $to) // die "send: $!";
  }
}
