# resource_attribution through the generic plugin resource of puppet/collectd, which
# writes the line LoadPlugin and restarts the service. It removes the drop-in of the
# package, resource_attribution.conf, because both would configure the same plugin.
class profile::resource_attribution (
  Integer $interval = 60,
) {
  package { 'collectd-resource-attribution':
    ensure => installed,
  }

  collectd::plugin { 'resource_attribution':
    content => @("CONF"),
      <Plugin resource_attribution>
        Interval ${interval}
        Process "nginx"
        <Process "checkout">
          PIDFile "/run/checkout.pid"
        </Process>
      </Plugin>
      | CONF
    require => Package['collectd-resource-attribution'],
  }

  # Checks the file before Puppet puts it in place; collectd::plugin has no parameter for
  # that. If the check fails, Puppet keeps the old file and does not restart collectd.
  File <| title == 'resource_attribution.load' |> {
    validate_cmd => '/usr/bin/resource-attribution-check %',
  }
}
