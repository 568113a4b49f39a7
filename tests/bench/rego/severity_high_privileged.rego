# Privileged Containers with Important and Critical Fixable CVEs
package pyrox.severity_high_privileged

violations contains message if {
	some index, container in input.deployment.containers
	container.securityContext.privileged
	some component in input.images[index].scan.components
	some vuln in component.vulns
	serious_fixable(vuln)
	some message in {
		sprintf("Container '%s' is privileged", [container.name]),
		sprintf(
			"Fixable %s (CVSS %v) (severity %s) found in component '%s' (version %s) in container '%s', resolved by version %s",
			[
				vuln.cve, vuln.cvss, serious[vuln.severity], component.name, component.version,
				container.name, vuln.fixedBy,
			],
		),
	}
}

serious_fixable(vuln) if {
	vuln.fixedBy != ""
	serious[vuln.severity]
	not vuln.suppressed
	vuln.state == "OBSERVED"
}

serious := {
	"IMPORTANT_VULNERABILITY_SEVERITY": "Important",
	"CRITICAL_VULNERABILITY_SEVERITY": "Critical",
}
