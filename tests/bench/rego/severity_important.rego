# Fixable Severity at least Important
package pyrox.severity_important

violations contains message if {
	some index, container in input.deployment.containers
	some component in input.images[index].scan.components
	some vuln in component.vulns
	vuln.fixedBy != ""
	severity := serious[vuln.severity]
	not vuln.suppressed
	vuln.state == "OBSERVED"
	message := sprintf(
		"Fixable %s (CVSS %v) (severity %s) found in component '%s' (version %s) in container '%s', resolved by version %s",
		[
			vuln.cve, vuln.cvss, severity, component.name, component.version,
			container.name, vuln.fixedBy,
		],
	)
}

serious := {
	"IMPORTANT_VULNERABILITY_SEVERITY": "Important",
	"CRITICAL_VULNERABILITY_SEVERITY": "Critical",
}
