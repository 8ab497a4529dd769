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

  # Puppet has no check before a file is put in place for this resource. This one
  # fails the run after it, before collectd is restarted.
  exec { 'resource-attribution-check':
    command     => "/usr/bin/resource-attribution-check ${collectd::plugin_conf_dir}/10-resource_attribution.conf",
    refreshonly => true,
    subscribe   => File['resource_attribution.load'],
    before      => Service[$collectd::service_name],
  }
}
